"""How a run is brought to a stage and kept there until it is let go."""

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.system.dev_server import ShellSuite, until
from tests.system.matrix import clock
from tests.system.matrix.cells import CLOCKS, Fault, Part, Stage
from tests.system.matrix.installation import Installation, eventually
from tests.system.matrix.suites import GO, Waits, check_of, reached, waiting_suite

REACHED_S = 30.0
_BUNDLE_REQUEST = b"GET /runner/v1/bundles/"
_UPLOAD_REQUEST = b"PUT /runner/v1/runs/"
_WAITS = {
    Stage.INSTALLING: Waits.INSTALLING,
    Stage.STARTING: Waits.STARTING,
    Stage.REPORTING: Waits.MERGING,
    Stage.UPLOADING: Waits.NOWHERE,
    Stage.CANCELLING: Waits.STUBBORN,
}


@dataclass
class HeldRun:
    """A run that is held in a stage, and for a queued one the run that keeps the slot busy."""

    installation: Installation
    stage: Stage
    suite: ShellSuite
    session_id: str
    blocker: "HeldRun | None" = None

    @property
    def markers(self) -> tuple[str, ...]:
        """Words in the command lines of all processes that belong to the cell."""
        return (self.suite.marker, *(self.blocker.markers if self.blocker else ()))

    def release(self) -> None:
        """Nothing is held from now on."""
        self.installation.runner_to_control.release()
        (self.installation.node / "hold").unlink(missing_ok=True)
        for place in suite_folders(self.installation):
            with suppress(OSError):
                (place / GO).touch()


def suite_folders(installation: Installation) -> list[Path]:
    """Where suites lie now: of runs, and of installs."""
    runs = installation.runs.glob("*/work/work/suite")
    return [
        *runs,
        *installation.runs.glob("*/work/suite"),
        *installation.dependencies.glob(".scratch-*/work/suite"),
    ]


async def bring_to(installation: Installation, stage: Stage, *, fault: Fault, part: Part) -> HeldRun:
    """Start a session and bring its run to the stage."""
    blocker = None
    if stage is Stage.QUEUED:
        blocker = await _hold(installation, Stage.TESTING, Waits.TESTING, own_clock=False)
    elif stage is Stage.RESTORING:
        (installation.node / "reached").unlink(missing_ok=True)
        (installation.node / "hold").touch()
    elif stage is Stage.CLAIMED:
        installation.runner_to_control.hold(_BUNDLE_REQUEST)
    elif stage is Stage.UPLOADING:
        installation.runner_to_control.hold(_UPLOAD_REQUEST)
    own_clock = part is Part.SUITE and fault in CLOCKS
    held = await _hold(installation, stage, _WAITS.get(stage, Waits.TESTING), own_clock=own_clock)
    held.blocker = blocker
    if stage is Stage.CANCELLING:
        await installation.cancel(held.session_id)
        await until(
            lambda: _stage_in_events(installation) == "cancelling",
            timeout_s=REACHED_S,
            what="it is cancelling",
        )
    return held


async def _hold(installation: Installation, stage: Stage, waits: Waits, *, own_clock: bool) -> HeldRun:
    files = {clock.LIBRARY_NAME: clock.library(), clock.OFFSET_NAME: clock.RIGHT} if own_clock else {}
    suite = waiting_suite(waits, files)
    variables = clock.variables(".") if own_clock else {}
    extra = {"environmentVariables": [{"key": key, "value": value} for key, value in variables.items()]}
    session_id = await installation.start_session(suite, **check_of(waits, suite), **extra)
    held = HeldRun(installation, stage, suite, session_id)
    await eventually(
        lambda: _is_there(held), timeout_s=REACHED_S, what=f"the run is {stage}", log=installation
    )
    return held


async def _is_there(held: HeldRun) -> bool:
    installation = held.installation
    match held.stage:
        case Stage.QUEUED:
            return _is_offered(installation, held.session_id)
        case Stage.CLAIMED | Stage.UPLOADING:
            return installation.runner_to_control.held.is_set()
        case Stage.RESTORING:
            return (installation.node / "reached").exists()
        case Stage.TESTING | Stage.CANCELLING:
            return (
                any(map(reached, suite_folders(installation))) and _stage_in_events(installation) == "testing"
            )
        case _:
            return any(map(reached, suite_folders(installation)))


def _is_offered(installation: Installation, session_id: str) -> bool:
    """Whether the session's run is queued and its offer has left the outbox."""
    with closing(sqlite3.connect(f"file:{installation.database}?mode=ro", uri=True)) as database:
        queued = database.execute("SELECT count(*) FROM runs WHERE state = 'queued'").fetchone()[0]
        orders = database.execute("SELECT count(*) FROM outbox").fetchone()[0]
    return bool(queued == 1 and orders == 0)


def _stage_in_events(installation: Installation) -> str | None:
    """The latest stage that the one run at the runner told."""
    latest = None
    for file in installation.runs.glob("*/events.ndjson"):
        for line in file.read_text().splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                latest = event["stage"] if event["type"] == "stage" else latest
    return latest
