"""What the run page says of one run: receipt, stages, files, and how each file can be opened."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from bellrock.domain.live import CancelProgress, LiveEvent, Output, StageEntered
from bellrock.domain.receipts import Receipt
from bellrock.services.views import ResultView, RunView
from bellrock.web import words
from bellrock.web.session_page import RunRow, explain
from bellrock.wire.messages import Artifact

SAFE_TO_SHOW: Mapping[str, str] = {
    "image/png": "image",
    "image/jpeg": "image",
    "image/webp": "image",
    "video/webm": "video",
    "video/mp4": "video",
}
"""Content types that a browser may show from our own origin: none of them can run a script."""

_ICONS: Mapping[str, str] = {
    "log": "scroll-text",
    "trace": "footprints",
    "video": "film",
    "screenshot": "image",
    "report": "file-text",
    "file": "file",
}
_NEEDS_ORIGIN = (
    "Reports and traces open in the browser only from an address of their own. "
    "Download them, or set BELLROCK_CONTENT_URL."
)
MOST_LINES = 2_000
MOST_RESULT_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log. ``stream`` is stdout, stderr or system."""

    at: str
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class StageShown:
    """One stage of the run; ``duration_ms`` is None while it goes on."""

    label: str
    at: str | None
    duration_ms: int | None
    running: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What was printed so far, the stages so far, and the ``seq`` of the last event in it."""

    lines: tuple[LogLine, ...] = ()
    stages: tuple[StageEntered, ...] = ()
    last_seq: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class FileShown:
    """A kept file. ``shown`` is ``image``, ``video`` or None; ``open_address`` is on the other origin."""

    name: str
    icon: str
    size_bytes: int
    address: str
    shown: str | None
    open_address: str | None
    open_label: str | None


@dataclass(frozen=True, slots=True)
class RunDetail:
    """The run page's own part, beside what the session page says of the run.

    ``result`` is what a check without tests found, as JSON for people, cut to `MOST_RESULT_CHARACTERS`.
    """

    row: RunRow
    explanation: str | None
    errors: tuple[str, ...]
    receipt: Receipt | None
    evidence_complete: bool
    stages: tuple[StageShown, ...]
    files: tuple[FileShown, ...]
    files_removed_at: datetime | None
    isolation_hint: str | None
    result: str | None


OpenLink = Callable[[Artifact], tuple[str, str] | None]
"""The address on the other origin where a file can be opened and the words for it, else None."""


def build(
    view: RunView, row: RunRow, *, stages: Sequence[StageEntered], open_link: OpenLink, can_open: bool
) -> RunDetail:
    """Put the page together. ``can_open`` says whether there is another origin at all."""
    final = view.final or (view.results[-1] if view.results else None)
    artifacts = final.artifacts if final else ()
    files = tuple(_file(view, one, open_link) for one in artifacts if not _is_part_of_report(one.name))
    wanting = any(artifact.type in ("trace", "report") for artifact in artifacts) and not can_open
    return RunDetail(
        row=row,
        explanation=explain(view.run.outcome) if row.is_final else None,
        errors=_errors(final),
        receipt=final.receipt if final else None,
        evidence_complete=final.evidence_complete if final else False,
        stages=_stages(stages, final, is_final=row.is_final),
        files=files,
        files_removed_at=final.files_removed_at if final else None,
        isolation_hint=_NEEDS_ORIGIN if wanting else None,
        result=None if row.has_tests else _result(final),
    )


def file_address(session_id: UUID, run_id: UUID, name: str) -> str:
    """Where a kept file is served from our own origin."""
    return f"/sessions/{session_id}/runs/{run_id}/files/{quote(name)}"


def log_lines(events: Sequence[LiveEvent]) -> list[LogLine]:
    """What events say in the log: output, stages and the steps of a cancel."""
    lines: list[LogLine] = []
    for event in events:
        at = words.millisecond_clock(event.at_ms)
        match event:
            case Output():
                texts = words.plain(event.text).rstrip("\n").split("\n")
                lines.extend(LogLine(at, event.stream, text) for text in texts)
            case StageEntered():
                note = f": {event.note}" if event.note else ""
                lines.append(LogLine(at, "system", f"▸ {words.stage(event.stage)}{note}"))
            case CancelProgress():
                did = words.cancel_action(event.action)
                lines.append(LogLine(at, "system", f"▸ cancel: {did} ({event.processes} processes)"))
            case _:
                pass
    return lines


def _errors(final: ResultView | None) -> tuple[str, ...]:
    if final is None:
        return ()
    message = final.outcome.message
    return tuple(error for error in final.errors if error and error != message)


def _is_part_of_report(name: str) -> bool:
    """The HTML report is a page and dozens of files that only this page needs."""
    return name.startswith("report/") and name != "report/index.html"


def _result(final: ResultView | None) -> str | None:
    if final is None or not final.details:
        return None
    found = json.dumps(final.details, indent=2, ensure_ascii=False)
    return found if len(found) <= MOST_RESULT_CHARACTERS else f"{found[:MOST_RESULT_CHARACTERS]} …"


def _file(view: RunView, artifact: Artifact, open_link: OpenLink) -> FileShown:
    link = open_link(artifact)
    return FileShown(
        name=artifact.name,
        icon=_ICONS[artifact.type],
        size_bytes=artifact.size_bytes,
        address=file_address(view.run.session_id, view.run.id, artifact.name),
        shown=SAFE_TO_SHOW.get(artifact.content_type),
        open_address=link[0] if link else None,
        open_label=link[1] if link else None,
    )


def _stages(
    entered: Sequence[StageEntered], final: ResultView | None, *, is_final: bool
) -> tuple[StageShown, ...]:
    if not entered:
        timings = final.timings if final else ()
        return tuple(
            StageShown(words.stage(timing.stage) or timing.stage, None, timing.duration_ms, False, None)  # noqa: FBT003
            for timing in timings
        )
    shown = []
    for stage, after in zip(entered, [*entered[1:], None], strict=True):
        lasted = after.at_ms - stage.at_ms if after else None
        at = words.millisecond_clock(stage.at_ms)[:8]
        running = after is None and not is_final
        shown.append(StageShown(words.stage(stage.stage) or stage.stage, at, lasted, running, stage.note))
    return tuple(shown)
