"""How a process tree ended, and what a cancel did to it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bellrock.domain.receipts import CancelStep


class ExitCause(StrEnum):
    """Why the tree ended. The first cause stands."""

    FINISHED = "finished"  # the main process ended by itself
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_MANY_PROCESSES = "too_many_processes"
    DISK_FULL = "disk_full"
    OUTPUT_LIMIT = "output_limit"


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process tree.

    ``code`` is the main process's exit code as a shell would show it (128 + n for signal n where
    the isolation cannot tell the two apart); ``signal`` is set where it is known for certain.
    ``at`` is when the main process was gone, ``last_process_gone_at`` when nobody was left (None:
    could not be proven in time, then ``processes_left`` says how many). ``processes_after_main``
    is how many outlived the main process and were killed. ``detail`` is a sentence for people
    where ``cause`` is a limit.
    """

    code: int | None
    signal: int | None
    cause: ExitCause
    at: datetime
    last_process_gone_at: datetime | None
    processes_left: int
    processes_after_main: int
    proof: str
    peak_memory_bytes: int | None
    output_bytes: int
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class CancelTrace:
    """What a cancel did.

    ``already_exited``: the main process had ended by itself before the first signal, so nothing
    was cancelled: its verdict stands, ``steps`` is empty and the exit's cause is what it was.
    """

    received_at: datetime
    steps: tuple[CancelStep, ...]
    main_gone_at: datetime
    last_process_gone_at: datetime | None
    processes_left: int
    proof: str
    already_exited: bool
