"""How things are said on a page: statuses, durations, sizes and times, in one place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bellrock.domain.cancellation import RunSource
from bellrock.domain.live import Stage, TestStatus
from bellrock.domain.receipts import CancelAction

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
NOTHING = "\N{EN DASH}"
_SECOND_MS = 1_000
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as a person sees it. ``tone`` names a pair of colours, ``icon`` a symbol of the sprite."""

    label: str
    tone: str
    icon: str


_SESSIONS: Mapping[str, Badge] = {
    "STARTED": Badge("Running", "busy", "loader-circle"),
    "RUNNING": Badge("Running", "busy", "loader-circle"),
    "PROGRESS": Badge("Running", "busy", "loader-circle"),
    "PROGRESS_FAILED": Badge("Running, failures so far", "bad", "loader-circle"),
    "PROGRESS_DEGRADED": Badge("Running, degraded so far", "warn", "loader-circle"),
    "PASSED": Badge("Passed", "good", "circle-check"),
    "FAILED": Badge("Failed", "bad", "circle-x"),
    "DEGRADED": Badge("Degraded", "warn", "triangle-alert"),
    "TIMED_OUT": Badge("Timed out", "bad", "timer"),
    "CANCELLED": Badge("Cancelled", "stopped", "circle-slash"),
}
_VERDICTS: Mapping[str, Badge] = {
    "PASSED": _SESSIONS["PASSED"],
    "DEGRADED": _SESSIONS["DEGRADED"],
    "FAILED": _SESSIONS["FAILED"],
    "ERRORED": Badge("Error", "warn", "triangle-alert"),
    "LOST": Badge("Lost", "warn", "unplug"),
    "CANCELLED": _SESSIONS["CANCELLED"],
}
_TESTS: Mapping[str, Badge] = {
    TestStatus.NOT_STARTED: Badge("Not started", "idle", "circle-dashed"),
    TestStatus.RUNNING: Badge("Running", "busy", "loader-circle"),
    TestStatus.PASSED: Badge("Passed", "good", "circle-check"),
    TestStatus.FLAKY: Badge("Flaky", "warn", "rotate-ccw"),
    TestStatus.FAILED: Badge("Failed", "bad", "circle-x"),
    TestStatus.SKIPPED: Badge("Skipped", "idle", "skip-forward"),
    TestStatus.INTERRUPTED: Badge("Interrupted", "stopped", "circle-slash"),
}
QUEUED = Badge("Queued", "idle", "hourglass")
WAITING_TO_RETRY = Badge("Waiting to retry", "idle", "rotate-ccw")
RUNNING = _SESSIONS["RUNNING"]
CANCELLING = Badge("Cancelling…", "stopped", "loader-circle")

_STAGES: Mapping[str, str] = {
    Stage.PREPARING: "Fetching the bundle",
    Stage.INSTALLING: "Installing dependencies",
    Stage.STARTING: "Starting the suite",
    Stage.TESTING: "Testing",
    Stage.CANCELLING: "Stopping",
    Stage.REPORTING: "Collecting reports",
    Stage.UPLOADING: "Uploading artifacts",
}
_SOURCES: Mapping[str, str] = {
    RunSource.CLI_DEPLOY: "bellrock deploy",
    RunSource.DEPLOYMENT: "a deployment",
    RunSource.DEPLOYMENT_CACHE_WARMER: "the cache warmer",
    RunSource.EDITOR: "the editor",
    RunSource.GROUP_RUN_ALL: "a group's run",
    RunSource.LEGACY_TRIGGER: "a trigger",
    RunSource.SCHEDULER: "the scheduler",
    RunSource.SCHEDULE_NOW: "Schedule now",
    RunSource.SLACK_RERUN: "Slack",
    RunSource.TEST_NO_RECORD: "bellrock test",
    RunSource.TEST_RECORD: "bellrock test",
    RunSource.TRIGGER_NO_RECORD: "bellrock trigger",
    RunSource.TRIGGER_RECORD: "bellrock trigger",
    RunSource.TRIGGER_API: "the API",
}
_ACTIONS: Mapping[str, str] = {
    CancelAction.INTERRUPT_MAIN: "asked the suite to stop",
    CancelAction.KILL_BROWSERS: "killed the browsers",
    CancelAction.KILL_WORKERS: "killed everything but the main process",
    CancelAction.INTERRUPT_MAIN_AGAIN: "asked the suite once more",
    CancelAction.KILL_NAMESPACE: "killed all that was left",
}
_BLAMES: Mapping[str, str] = {
    "target": "the target's fault",
    "check": "the check's fault",
    "runner": "the runner's fault",
    "platform": "the platform's fault",
}


def session_badge(status: str) -> Badge:
    """A session's status."""
    return _SESSIONS[status]


def verdict_badge(verdict: str) -> Badge:
    """How a run ended."""
    return _VERDICTS[verdict]


def badge_of_test(status: str) -> Badge:
    """A test's status; unknown words count as not started."""
    return _TESTS.get(status, _TESTS[TestStatus.NOT_STARTED])


def stage(name: str | None) -> str | None:
    """A stage of a run as a phrase; names nobody knows are shown as they are."""
    return _STAGES.get(name, name) if name else None


def source(run_source: RunSource) -> str:
    """What started a session, as the end of "started through ..."."""
    return _SOURCES[run_source]


def cancel_action(action: str) -> str:
    """A step of the cancel ladder, as what the runner did."""
    return _ACTIONS.get(action, action.replace("_", " "))


def blame(of: str | None) -> str | None:
    """Whose fault it was."""
    return _BLAMES.get(of, of) if of else None


def duration(milliseconds: float | None) -> str:
    """`840 ms`, `12.4 s`, `3 m 05 s`, `1 h 02 m`; a dash for None."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < _SECOND_MS:
        return f"{milliseconds:.0f} ms"
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / 1000:.1f} s"
    if milliseconds < _HOUR_MS:
        minutes, rest = divmod(int(milliseconds), _MINUTE_MS)
        return f"{minutes} m {rest // 1000:02d} s"
    hours, rest = divmod(int(milliseconds), _HOUR_MS)
    return f"{hours} h {rest // _MINUTE_MS:02d} m"


def seconds(milliseconds: float) -> str:
    """An offset with hundredths: `0.81 s`."""
    return f"{milliseconds / 1000:.2f} s"


def size(count: int) -> str:
    """Bytes as `812 B`, `14 kB`, `2.3 MB`."""
    if count < _KIB:
        return f"{count} B"
    if count < _KIB**2:
        return f"{count / _KIB:.0f} kB"
    return f"{count / _KIB**2:.1f} MB"


def clock(at: datetime | None) -> str:
    """A time of day in UTC, to the second."""
    return f"{at:%H:%M:%S}" if at else NOTHING


def moment(at: datetime | None) -> str:
    """Day and time in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else NOTHING


def day_and_time(at: datetime) -> str:
    """Day and time in UTC, in the least space."""
    return f"{at:%b} {at.day}, {at:%H:%M:%S}"


def plain(text: str) -> str:
    """Without terminal colours and other control characters, which mean nothing on a page."""
    stripped = _ANSI.sub("", text).replace("\r\n", "\n")
    return "".join(letter for letter in stripped if letter >= " " or letter in "\n\t")


def millisecond_clock(at_ms: int) -> str:
    """A runner's time stamp as a time of day in UTC, with milliseconds."""
    total_s, rest_ms = divmod(at_ms, 1_000)
    return f"{total_s // 3600 % 24:02d}:{total_s // 60 % 60:02d}:{total_s % 60:02d}.{rest_ms:03d}"
