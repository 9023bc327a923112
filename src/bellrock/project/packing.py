"""Makes a suite's bundle: a tar.gz whose bytes depend on the files' names and contents alone.

Equal content gives an equal bundle, so the server stores it once and caches what it installed.
"""

import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from bellrock.project import python_suites
from bellrock.project.checks import PlaywrightCheck
from bellrock.project.errors import ProjectError
from bellrock.project.selection import select_files
from bellrock.project.suites import cache_hash, find_config, find_lock_file, playwright_version
from bellrock.wire.bundles import BundleLimits

BUNDLE_LIMIT_BYTES = BundleLimits().packed_bytes
_NAMED_IN_ERROR = 5


@dataclass(frozen=True, slots=True)
class PackedSuite:
    """A suite ready to upload. ``config`` is Playwright's, relative to the bundle's root; pytest has none.

    ``cache_hash`` is None where the runner is to look itself at what an install depends on.
    """

    content: bytes
    sha256: str
    files: tuple[str, ...]
    config: str | None
    cache_hash: str | None
    package_manager: str
    playwright_version: str | None


def pack_suite(folder: Path, check: PlaywrightCheck, *, limit_bytes: int = BUNDLE_LIMIT_BYTES) -> PackedSuite:
    """Pack the suite of a check.

    Args:
        folder: the project's folder, which the check's root is relative to.
        check: the suite.
        limit_bytes: most bytes of the packed bundle.

    Raises:
        ProjectError: no such root, no Playwright config, no lock file, a link out of the suite,
            or too large.
    """
    root = (folder / check.root).resolve()
    if not root.is_dir():
        raise ProjectError(f"root: there is no folder {root}.")
    if python_suites.is_python(root, check):
        return _pack_python(root, check, limit_bytes)
    config = find_config(root, check.config)
    lock = find_lock_file(root)
    files = select_files(root, include=check.include)
    if config not in files:
        raise ProjectError(f"{config} is left out by .gitignore: name it in 'include'.")
    content = _archive(root, files, limit_bytes)
    return PackedSuite(
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        files=tuple(files),
        config=config,
        cache_hash=cache_hash(root, files),
        package_manager=lock.manager,
        playwright_version=playwright_version(lock),
    )


def _pack_python(root: Path, check: PlaywrightCheck, limit_bytes: int) -> PackedSuite:
    manifest = python_suites.find_manifest(root, check)
    files = select_files(root, include=check.include)
    content = _archive(root, files, limit_bytes)
    return PackedSuite(
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        files=tuple(files),
        config=None,
        cache_hash=None,
        package_manager=manifest.manager,
        playwright_version=python_suites.playwright_version(manifest),
    )


def _archive(root: Path, files: list[str], limit_bytes: int) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=6, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in files:
            _add(archive, root, name)
            if packed.tell() > limit_bytes:
                raise _too_large(root, files, limit_bytes)
    if packed.tell() > limit_bytes:
        raise _too_large(root, files, limit_bytes)
    return packed.getvalue()


def _add(archive: tarfile.TarFile, root: Path, name: str) -> None:
    path = root / name
    entry = tarfile.TarInfo(name)
    if path.is_symlink():
        entry.type = tarfile.SYMTYPE
        entry.mode = 0o777
        target = path.resolve().relative_to(root.resolve())
        entry.linkname = os.path.relpath(target, Path(name).parent)
        archive.addfile(entry)
        return
    with path.open("rb") as content:
        status = os.fstat(content.fileno())
        entry.size = status.st_size
        entry.mode = 0o755 if status.st_mode & 0o100 else 0o644
        archive.addfile(entry, content)


def _too_large(root: Path, files: list[str], limit_bytes: int) -> ProjectError:
    sizes = sorted(((root / name).lstat().st_size, name) for name in files)
    largest = ", ".join(
        f"{name} ({size / 1000**2:.1f} MB)" for size, name in reversed(sizes[-_NAMED_IN_ERROR:])
    )
    return ProjectError(
        f"The bundle of {root} is larger than {limit_bytes / 1000**2:.0f} MB. Largest files: {largest}. "
        "Leave out with .gitignore what the tests do not need."
    )
