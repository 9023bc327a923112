"""Why a process tree could not be started. None of these is the suite's fault."""


class SupervisorError(Exception):
    """Base of what the supervisor raises; the message is for people."""


class InvalidSpec(SupervisorError):
    """The caller asked for something that cannot be started. Names the field."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field


class IsolationUnavailable(SupervisorError):
    """This machine offers no means to contain a process tree (or not the one asked for)."""


class LaunchFailed(SupervisorError):
    """The sandbox could not be set up, so the program never began."""
