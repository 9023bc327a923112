"""One running process tree: its end, its cancel, and the proof that nobody is left."""

from collections.abc import Callable

from bellrock.domain.receipts import CancelStep
from bellrock.runner.supervisor.errors import LaunchFailed
from bellrock.runner.supervisor.isolation import Isolation
from bellrock.runner.supervisor.outcome import CancelTrace, Exit
from bellrock.runner.supervisor.spec import ProcessSpec


class SuiteProcess:
    """A process tree in its own container. Made by ``launch``."""

    @property
    def main_pid(self) -> int:
        """The main process, as the host numbers it."""
        raise LaunchFailed("not started")

    async def wait(self) -> Exit:
        """The end of the whole tree. May be awaited any number of times, by anyone."""
        raise LaunchFailed("not started")

    async def cancel(
        self, *, graceful: bool = True, on_step: Callable[[CancelStep], None] | None = None
    ) -> CancelTrace:
        """Stop the tree; returns when it is gone. All callers share one attempt.

        ``graceful=False`` kills the namespace at once, also when a ladder is under way.
        ``on_step`` is told each step when it is taken; it must not block. A caller that is itself
        cancelled does not stop the attempt.
        """
        raise LaunchFailed("not started")

    def count_processes(self) -> int:
        """How many processes the tree has now (0 when it is gone)."""
        raise LaunchFailed("not started")


async def launch(spec: ProcessSpec, isolation: Isolation) -> SuiteProcess:
    """Start a tree. Must run in the main thread: a parent's death is told per thread.

    Raises InvalidSpec or LaunchFailed (the sandbox could not be set up; the message has why). A
    program that is not found is not an error here: the tree ends with code 127, as in a shell.
    """
    raise LaunchFailed("not started")
