"""Which files of a run are kept, under which names, and what is left out when it is too much.

Files come from folders a suite could write to. By now its processes are dead, so what is checked
here stays true: only regular files that really lie inside the run's folder are taken.
"""

import hashlib
import mimetypes
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bellrock.runner.playwright.reporter_events import Attachment
from bellrock.runner.playwright.scrubbed_files import copy_scrubbed
from bellrock.runner.playwright.untrusted import lies_in
from bellrock.runner.scrub import Scrubber
from bellrock.wire.messages import Artifact

Kind = Literal["log", "trace", "video", "screenshot", "report", "file"]

_MOST_FILES = 2_000
_RAW_PREFIX = ".playwright-artifacts-"
_VIDEO_SUFFIXES = frozenset({".webm", ".mp4"})
_PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_CONTENT_TYPES = {
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".webm": "video/webm",
    ".zip": "application/zip",
    ".ts": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_REPORTS = {"report.json": "application/json", "junit.xml": "application/xml"}
_ORDER: Mapping[Kind, int] = {"log": 0, "report": 1, "trace": 2, "screenshot": 3, "video": 4, "file": 5}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be kept."""

    source: Path
    name: str
    kind: Kind
    content_type: str
    test_id: str | None = None

    @property
    def rank(self) -> tuple[int, bool, str]:
        """What is worth more comes first. The report's page is worth more than copies in its data."""
        return (_ORDER[self.kind], self.name.startswith(("report/data/", "report/trace/")), self.name)


@dataclass(frozen=True, slots=True)
class Kept:
    """A scrubbed copy, ready to be uploaded."""

    file: Path
    artifact: Artifact


def report_files(reports: Path, inside: Path) -> Iterator[Candidate]:
    """Reports in one file, and the HTML report as it has to be served: a folder named ``report``."""
    if not lies_in(reports, inside) or not lies_in(reports / "html", inside):
        return
    for name, kind in _REPORTS.items():
        if _is_own_file(reports / name):
            yield Candidate(reports / name, name, "report", kind)
    for file in _files_below(reports / "html"):
        name = f"report/{file.relative_to(reports / 'html').as_posix()}"
        yield Candidate(file, name, "report", content_type(file))


def output_files(
    outputs: Iterable[Path], attachments: Iterable[Attachment], inside: Path
) -> Iterator[Candidate]:
    """Traces, videos, screenshots and whatever else the tests left or attached."""
    tests = {os.path.realpath(one.path): one for one in attachments}
    taken: set[str] = set()
    for output in outputs:
        if not lies_in(output, inside):
            continue
        for file in _files_below(output):
            if any(part.startswith(_RAW_PREFIX) for part in file.parts) or file.name == ".last-run.json":
                continue
            taken.add(os.path.realpath(file))
            name = f"test-results/{file.relative_to(output).as_posix()}"
            yield _candidate(file, name, tests.get(os.path.realpath(file)))
    for path, attachment in tests.items():
        file = Path(path)
        if path not in taken and _is_own_file(file) and lies_in(file, inside):
            yield _candidate(file, f"attachments/{attachment.test_id}/{file.name}", attachment)


def keep(
    candidates: Iterable[Candidate], target: Path, *, scrubber: Scrubber, limit_bytes: int
) -> tuple[list[Kept], list[str]]:
    """Scrubbed copies of the candidates, the most valuable first, up to the limit. Blocking.

    :returns: what is kept, and a sentence for each thing that had to be left out.
    """
    kept: list[Kept] = []
    notes: list[str] = []
    left, dropped, seen = limit_bytes, 0, set[str]()
    for candidate in sorted(candidates, key=lambda one: one.rank):
        name = scrubber.text(candidate.name)
        if name in seen:
            continue
        seen.add(name)
        file = target / f"{len(seen)}{candidate.source.suffix}"
        try:
            if candidate.source.stat().st_size > left or len(kept) >= _MOST_FILES:
                dropped += 1
                continue
            copy_scrubbed(candidate.source, file, scrubber)
        except OSError as error:
            notes.append(f"{name} was not kept: {error.strerror or error}.")
            continue
        kept.append(Kept(file, _describe(file, name, candidate)))
        left -= kept[-1].artifact.size_bytes
    if dropped:
        notes.append(f"{dropped} files were not kept: artifacts of a run have {limit_bytes} bytes at most.")
    return kept, notes


def content_type(file: Path) -> str:
    """The content type a file is to be served with."""
    suffix = file.suffix.lower()
    return _CONTENT_TYPES.get(suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _candidate(file: Path, name: str, attachment: Attachment | None) -> Candidate:
    test_id = attachment.test_id if attachment else None
    return Candidate(file, name, _kind(file, attachment), content_type(file), test_id)


def _kind(file: Path, attachment: Attachment | None) -> Kind:
    suffix = file.suffix.lower()
    if suffix == ".zip" and (file.name == "trace.zip" or (attachment and attachment.name == "trace")):
        return "trace"
    if suffix in _VIDEO_SUFFIXES:
        return "video"
    return "screenshot" if suffix in _PICTURE_SUFFIXES else "file"


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):  # does not follow links
        folders.sort()
        for name in sorted(names):
            file = Path(place) / name
            if _is_own_file(file):
                yield file


def _is_own_file(file: Path) -> bool:
    return not file.is_symlink() and file.is_file()


def _describe(file: Path, name: str, candidate: Candidate) -> Artifact:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Artifact(
        name=name,
        type=candidate.kind,
        content_type=candidate.content_type,
        size_bytes=file.stat().st_size,
        sha256=digest,
        test_id=candidate.test_id,
    )
