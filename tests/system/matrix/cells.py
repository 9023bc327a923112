"""The matrix: every fault at every part in every stage of a run, less what a rule excludes and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What strikes."""

    KILL = "kill -9"
    STOP = "stopped"
    CUT = "network cut"
    SILENCE = "network silent"
    HTTP_CUT = "HTTP cut"
    HTTP_SILENCE = "HTTP silent"
    DISK_FULL = "disk full"
    CLOCK_FORWARD = "clock +1 h"
    CLOCK_BACK = "clock -1 h"
    SLOW_DATABASE = "slow database"


class Part(StrEnum):
    """What is struck."""

    CONTROL = "control plane"
    NATS = "nats-server"
    RUNNER = "runner"
    SUITE = "suite"


class Stage(StrEnum):
    """Where the run is held while it strikes."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RESTORING = "restoring"
    INSTALLING = "installing"
    STARTING = "starting"
    TESTING = "testing"
    REPORTING = "reporting"
    UPLOADING = "uploading"
    CANCELLING = "cancelling"


CUTS = frozenset({Fault.CUT, Fault.SILENCE})
HTTP_CUTS = frozenset({Fault.HTTP_CUT, Fault.HTTP_SILENCE})
CLOCKS = frozenset({Fault.CLOCK_FORWARD, Fault.CLOCK_BACK})
AFTER_THE_SUITE = frozenset({Stage.REPORTING, Stage.UPLOADING})


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination."""

    fault: Fault
    part: Part
    stage: Stage

    @property
    def id(self) -> str:
        """The cell's name in test ids: words joined by dashes."""
        return "-".join(str(each).replace(" ", "_") for each in (self.fault, self.part, self.stage))

    @property
    def may_end_by_itself(self) -> bool:
        """Whether the suite may have a genuine verdict before the cancel is accepted."""
        return self.stage in AFTER_THE_SUITE or self.part is Part.SUITE


@dataclass(frozen=True, slots=True)
class Rule:
    """Combinations that make no sense, and why."""

    reason: str
    excludes: Callable[[Cell], bool]


RULES: Mapping[str, Rule] = {
    "a": Rule(
        "No process of the suite, nor of its install or its reports, exists in this stage.",
        lambda cell: (
            cell.part is Part.SUITE
            and cell.stage in {Stage.QUEUED, Stage.CLAIMED, Stage.RESTORING, Stage.UPLOADING}
        ),
    ),
    "b": Rule(
        "The suite takes no part in Bellrock's network: what it talks to is its own affair.",
        lambda cell: cell.part is Part.SUITE and cell.fault in CUTS | HTTP_CUTS,
    ),
    "c": Rule(
        "Files go between runner and control plane, on one line: it is struck once, as the runner's.",
        lambda cell: cell.part in {Part.NATS, Part.CONTROL} and cell.fault in HTTP_CUTS,
    ),
    "d": Rule(
        "Only the control plane uses the database.",
        lambda cell: cell.fault is Fault.SLOW_DATABASE and cell.part is not Part.CONTROL,
    ),
    "e": Rule(
        "nats-server is a static program that asks the kernel for the time: "
        "its clock cannot be moved without that of the whole machine.",
        lambda cell: cell.fault in CLOCKS and cell.part is Part.NATS,
    ),
    "f": Rule(
        "Reports are merged by a process without the check's variables, by which a suite gets its clock.",
        lambda cell: cell.fault in CLOCKS and cell.part is Part.SUITE and cell.stage is Stage.REPORTING,
    ),
}


def every_combination() -> Iterator[Cell]:
    """All of them, excluded ones too, in the order of the table."""
    for fault in Fault:
        for part in Part:
            for stage in Stage:
                yield Cell(fault, part, stage)


def excluded_by(cell: Cell) -> str | None:
    """The first rule that excludes the cell."""
    return next((name for name, rule in RULES.items() if rule.excludes(cell)), None)


def cells() -> tuple[Cell, ...]:
    """What is run."""
    return tuple(cell for cell in every_combination() if excluded_by(cell) is None)


def spanning() -> tuple[Cell, ...]:
    """A few cells that have every fault, every part and every stage at least once; chosen greedily.

    Equally useful cells are taken in an order that mixes the matrix, so that not one part has them all.
    """
    todo: set[StrEnum] = {*Fault, *Part, *Stage}
    mixed = sorted(cells(), key=_mixed)
    chosen: list[Cell] = []
    while todo:
        best = max(mixed, key=lambda cell: len(todo & {cell.fault, cell.part, cell.stage}))
        chosen.append(best)
        todo -= {best.fault, best.part, best.stage}
    return tuple(sorted(chosen, key=cells().index))


def _mixed(cell: Cell) -> tuple[int, int]:
    fault, part, stage = (list(type(each)).index(each) for each in (cell.fault, cell.part, cell.stage))
    return ((fault * 4 + part * 2 + stage) % 9, fault)
