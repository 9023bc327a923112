"""Makes traces of tests that were killed, out of the raw files their worker had written so far.

Playwright writes a trace as it goes and packs it when the test ends. A killed worker leaves the raw
files; packed in the same form they open in the trace viewer, up to the moment of the kill. Where
Playwright's main process outlives the worker it removes them, so they are rescued before the kill.

A suite can put links where its traces should be: nothing here follows one.
"""

import os
import stat
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

_RAW_FOLDERS = ".playwright-artifacts-*/traces"
_RAW_PREFIX = ".playwright-artifacts-"
_RECORDING_SUFFIXES = frozenset({".trace", ".network", ".stacks"})
_SCRATCH_COPY = "pwnetcopy"
_LARGEST_RAW_BYTES = 128 * 1024**2
_MOST_RAW_FILES = 5_000

Recordings = dict[str, list[Path]]
"""The files of each recording of one test (a test has one per browser context), by recording."""


def rescue_raw_traces(output: Path, target: Path) -> None:
    """Link what is there of raw traces to another folder of the same disk. Milliseconds; may be repeated.

    The suite still runs: every folder is opened without following links, and held while it is read.
    """
    with ExitStack() as held, suppress(OSError):
        top = _open_folder(held, output)
        for name in os.listdir(top):  # noqa: PTH208  (a held folder has no path)
            if not name.startswith(_RAW_PREFIX):
                continue
            with suppress(OSError):
                worker = _open_folder(held, name, below=top)
                traces = _open_folder(held, "traces", below=worker)
                _link_files(traces, target / name / "traces")
                _link_files(
                    _open_folder(held, "resources", below=traces), target / name / "traces" / "resources"
                )


def _open_folder(held: ExitStack, name: Path | str, *, below: int | None = None) -> int:
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=below)
    held.callback(os.close, descriptor)
    return descriptor


def _link_files(folder: int, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in os.listdir(folder)[:_MOST_RAW_FILES]:
        with suppress(OSError):  # gone again, or rescued before
            if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                os.link(name, target / name, src_dir_fd=folder, follow_symlinks=False)


def pack_raw_traces(outputs: Iterable[Path], target: Path, *, wanted: Collection[str]) -> dict[str, Path]:
    """Pack what is left of the wanted tests' traces. Blocking.

    :param outputs: Playwright's output folders.
    :param wanted: ids of tests that have no trace of their own.
    :returns: the archive of each test that had raw files.
    """
    packed: dict[str, Path] = {}
    for output in outputs:
        for folder in sorted(output.glob(_RAW_FOLDERS)):
            if folder.resolve() != output.resolve() / folder.relative_to(output):
                continue
            for test_id, recordings in _recordings(folder, wanted).items():
                archive = target / f"{test_id}.zip"
                target.mkdir(parents=True, exist_ok=True)
                _pack(archive, recordings, folder / "resources")
                packed[test_id] = archive
    return packed


def _recordings(folder: Path, wanted: Collection[str]) -> Mapping[str, Recordings]:
    """Files are named after the test's id, then what is special about the recording, then the kind."""
    found: defaultdict[str, Recordings] = defaultdict(lambda: defaultdict(list))
    for file in sorted(folder.iterdir()):
        if file.suffix not in _RECORDING_SUFFIXES or _SCRATCH_COPY in file.name or not _is_usable(file):
            continue
        test_id = next((one for one in wanted if file.name.startswith(one)), None)
        if test_id is not None:
            found[test_id][file.stem].append(file)
    return found


def _is_usable(file: Path) -> bool:
    return not file.is_symlink() and file.is_file() and file.stat().st_size <= _LARGEST_RAW_BYTES


def _pack(archive: Path, recordings: Recordings, resources: Path) -> None:
    mentioned: list[bytes] = []
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, files in enumerate(recordings.values()):
            for file in files:
                content = file.read_bytes()
                if file.suffix != ".stacks":
                    content = content[: content.rfind(b"\n") + 1]  # the kill may have torn the last line
                    mentioned.append(content)
                packed.writestr(f"{number}-trace{file.suffix}", content)
        text = b"".join(mentioned)
        if resources.is_dir() and not resources.is_symlink():
            for resource in sorted(resources.iterdir()):
                if resource.name.encode() in text and _is_usable(resource):
                    packed.write(resource, f"resources/{resource.name}")
