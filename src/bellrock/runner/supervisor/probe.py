"""Which mechanism is used: found by trying, never by looking at versions."""

from pathlib import Path

from bellrock.runner.supervisor.errors import IsolationUnavailable
from bellrock.runner.supervisor.isolation import DoctorReport, Isolation, Mechanism


def probe_isolation(*, forced: Mechanism | None = None, state_folder: Path | None = None) -> Isolation:
    """The strongest mechanism that works here, or the forced one if it works.

    Starts a few short processes; call it from the main thread. Raises IsolationUnavailable.
    """
    raise IsolationUnavailable("nothing was tried yet")


def doctor(*, state_folder: Path | None = None) -> DoctorReport:
    """Every mechanism and limit: whether it works on this machine, and why not."""
    raise IsolationUnavailable("nothing was tried yet")
