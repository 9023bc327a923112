"""Rebuilds the reports of a run whose Playwright was killed before it could write them.

Our reporter wrote Playwright's own report messages as they came. Here the cut stream is closed
(tests that never ended become interrupted) and packed as the blob report that the suite's own
`merge-reports` turns into HTML and JSON.
"""

import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bellrock.runner.playwright.untrusted import opened

_WHY = "Stopped by Bellrock before the test ended."
_LARGEST_BLOB_BYTES = 256 * 1024**2
_TRACE_CONTENT_TYPE = "application/zip"

Message = dict[str, Any]


@dataclass(slots=True)
class BlobStream:
    """The stream as far as it went. ``open_results`` are executions that began and never ended."""

    messages: list[Message] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    open_results: dict[str, Message] = field(default_factory=dict)
    ended: bool = False


def read_stream(file: Path) -> BlobStream | None:
    """The messages of a stream; None where there are none, or too many to be looked at."""
    stream = BlobStream()
    with suppress(OSError), opened(file) as lines:
        if os.fstat(lines.fileno()).st_size > _LARGEST_BLOB_BYTES:
            return None
        for line in lines:
            try:
                message = json.loads(line)
                _take(message, stream)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # the last line may be torn
    return stream if stream.messages else None


def write_blob(
    stream: BlobStream, archive: Path, *, traces: Mapping[str, Path], inside: Path, ended_at_ms: int
) -> None:
    """Close the stream and write it as a blob report.

    :param traces: packed traces of killed tests, by test id, to be attached to them.
    :param inside: only attachments that lie below this folder are taken.
    """
    messages = list(stream.messages)
    files = list(stream.files)
    for result_id, began in stream.open_results.items():
        trace = traces.get(began["testId"])
        entry = f"resources/{result_id}.zip"
        if trace is not None:
            files.append((str(trace), entry))
        messages += _closing(result_id, began, entry if trace else None, ended_at_ms)
    if not stream.ended:
        started_at_ms = _started_at(stream, ended_at_ms)
        duration_ms = max(0, ended_at_ms - started_at_ms)
        result = {"status": "interrupted", "startTime": started_at_ms, "duration": duration_ms}
        messages.append({"method": "onEnd", "params": {"result": result}})
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for path, entry in dict(files).items():
            file = Path(path).resolve()
            if file.is_file() and (file.is_relative_to(inside) or file in traces.values()):
                packed.write(file, entry)
        text = "".join(json.dumps(message, separators=(",", ":")) + "\n" for message in messages)
        packed.writestr("report.jsonl", text)


def _take(message: Message, stream: BlobStream) -> None:
    method, params = message["method"], message.get("params") or {}
    if method == "attachment":
        stream.files.append((str(params["originalPath"]), str(params["zipEntryPath"])))
        return
    stream.messages.append(message)
    if method == "onTestBegin":
        stream.open_results[str(params["result"]["id"])] = params
    elif method == "onTestEnd":
        stream.open_results.pop(str(params["result"]["id"]), None)
    elif method == "onEnd":
        stream.ended = True


def _closing(result_id: str, began: Message, trace_entry: str | None, at_ms: int) -> list[Message]:
    test_id = began["testId"]
    attachments = (
        [{"name": "trace", "contentType": _TRACE_CONTENT_TYPE, "path": trace_entry}] if trace_entry else []
    )
    result = {
        "id": result_id,
        "status": "interrupted",
        "duration": max(0, at_ms - int(began["result"].get("startTime") or at_ms)),
        "errors": [{"message": _WHY}],
        "annotations": [],
        "attachments": attachments,  # read by versions before 1.50; later ones have a message for them
    }
    test = {"testId": test_id, "expectedStatus": "passed", "timeout": 0, "annotations": []}
    attach = {"testId": test_id, "resultId": result_id, "attachments": attachments}
    messages: list[Message] = [{"method": "onAttach", "params": attach}] if attachments else []
    return [*messages, {"method": "onTestEnd", "params": {"test": test, "result": result}}]


def _started_at(stream: BlobStream, otherwise: int) -> int:
    starts = [
        int(message["params"]["result"].get("startTime") or otherwise)
        for message in stream.messages
        if message["method"] == "onTestBegin"
    ]
    return min(starts, default=otherwise)
