"""Exit codes of the command line, and the exception that carries one."""

from typing import Final

OK: Final = 0
FAILURE: Final = 1
CONFIRMATION_NEEDED: Final = 2


class Exit(Exception):  # not an error: the command has said all it has to say
    """End the command now with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
