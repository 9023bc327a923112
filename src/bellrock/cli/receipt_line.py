"""The receipt of a cancelled run in one sentence: who asked, what was done, what is left, what is kept."""

from collections import Counter
from pathlib import PurePosixPath

from bellrock.client.models import Counts, Receipt

_STEPS = {
    "interrupt_main": "SIGINT to the suite",
    "kill_browsers": "SIGKILL to its browsers",
    "kill_workers": "SIGKILL to its workers",
    "interrupt_main_again": "a second SIGINT",
    "kill_namespace": "SIGKILL to all",
}
_BY_NAME = {"logs.txt": "log", "events.ndjson": "event log", "report.json": "JSON report"}
_BY_SUFFIX = {".webm": "video", ".png": "screenshot", ".jpg": "screenshot", ".jpeg": "screenshot"}
_PLURALS = {
    "trace": "traces",
    "video": "videos",
    "screenshot": "screenshots",
    "other file": "other files",
}


def receipt_line(receipt: Receipt) -> str:
    """The sentence, without a name in front and with a full stop at its end."""
    asked = f"cancelled by {receipt.requested_by.name} through {receipt.requested_by.via}"
    at = receipt.requested_at.strftime("%H:%M:%S UTC")
    if receipt.never_started:
        return f"{asked} at {at}, before any runner had it: nothing was started."
    if receipt.forced_by_server:
        ended = "its runner did not answer, so the server ended it and refuses what still comes"
        return f"{asked} at {at}; {ended}."
    parts = (_signals(receipt), _processes(receipt), _tests(receipt.tests), _kept(receipt))
    return f"{asked} at {at}; {'; '.join(parts)}."


def _signals(receipt: Receipt) -> str:
    if not receipt.steps:
        return f"no signal was needed ({receipt.stage})" if receipt.stage else "no signal was needed"
    return ", ".join(
        f"{_STEPS.get(step.action, step.action)} after {step.offset_ms / 1000:.2f} s"
        for step in receipt.steps
    )


def _processes(receipt: Receipt) -> str:
    left = "an unknown number of" if receipt.processes_left is None else str(receipt.processes_left)
    noun = "process" if receipt.processes_left == 1 else "processes"
    if receipt.last_process_gone_at is None:
        return f"{left} {noun} left"
    waited_s = (receipt.last_process_gone_at - receipt.requested_at).total_seconds()
    return f"last process gone {max(0.0, waited_s):.2f} s after the request, {left} {noun} left"


def _tests(tests: Counts | None) -> str:
    if tests is None or tests.total == 0:
        return "no test had begun"
    return (
        f"tests: {tests.passed} passed, {tests.failed} failed, {tests.interrupted} interrupted, "
        f"{tests.not_started} never started"
    )


def _kept(receipt: Receipt) -> str:
    names = receipt.artifacts_kept
    if not names:
        return "no artifacts kept" if receipt.evidence_complete else "artifacts still on their way"
    counted = Counter(kind for kind in map(_kind, names) if kind)
    return "kept: " + ", ".join(
        kind if count == 1 else f"{count} {_PLURALS.get(kind, kind)}" for kind, count in counted.items()
    )


def _kind(name: str) -> str | None:
    """What a file is to a person. The files that an HTML report consists of are one report."""
    if name.startswith("report/"):
        return "HTML report" if name == "report/index.html" else None
    if name.endswith(".zip"):
        return "trace"
    return _BY_NAME.get(name) or _BY_SUFFIX.get(PurePosixPath(name).suffix, "other file")
