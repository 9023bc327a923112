"""Processes of a former life of this runner: found by its own records, never by name."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What the sweep at a runner's start found. ``left`` counts what could not be killed in time."""

    trees: tuple[str, ...] = ()  # names of the runs that had processes
    killed: int = 0
    left: int = 0


async def sweep_orphans(state_folder: Path) -> SweepReport:
    """Kill what trees recorded in ``state_folder`` left behind; removes their records and cgroups."""
    return SweepReport()
