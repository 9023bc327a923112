"""What a code bundle may be, and how one is unpacked without trusting it.

A bundle is a gzipped tar that anybody with a key may upload, and the runner unpacks it with its own
rights. So the rules are checked entry by entry while reading, before anything is written, and by
both sides: the server refuses a bad bundle at upload, and the runner does not rely on that.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from bellrock.domain.errors import Invalid, TooLarge

_METADATA_BYTES = 1024 * 1024
_COPY_BYTES = 256 * 1024
_LONGEST_NAME_BYTES = 255
_LONGEST_PATH_BYTES = 2_048
_MOST_LINK_HOPS = 40
_SET_ID_BITS = 0o6000
_EXECUTABLE_BITS = 0o111

_METADATA_TYPES = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)


@dataclass(frozen=True, slots=True)
class BundleLimits:
    """How large a bundle may be. ``packed_bytes`` is checked by whoever receives the file, too."""

    packed_bytes: int = 100 * 1000**2
    unpacked_bytes: int = 1024**3
    entries: int = 50_000


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What a good bundle holds: how many entries, and how many bytes once unpacked.

    ``digest`` is of what it unpacks to: names, contents, links and which files can be executed. Archives of
    the same files have the same one, in whatever order and with whatever dates they were packed.
    """

    entries: int
    unpacked_bytes: int
    digest: str


def validate_bundle(source: IO[bytes], limits: BundleLimits | None = None) -> BundleFacts:
    """Read a tar.gz to its end and check every rule, writing nothing.

    One without entries is fine: command lines upload theirs before they know whether a suite needs it.

    :param source: positioned at the start; read once, never sought.
    :raises Invalid: code NOT_A_BUNDLE or UNSAFE_BUNDLE; the message names the entry and the rule.
    :raises TooLarge: more bytes or entries than ``limits``.
    """
    return _Reader(source, limits or BundleLimits(), target=None).read()


def unpack_bundle(source: IO[bytes], target: Path, limits: BundleLimits | None = None) -> BundleFacts:
    """Unpack a tar.gz into ``target``, an empty folder of the caller's. Errors as `validate_bundle`'s.

    One without entries is NOT_A_BUNDLE.

    Nothing is ever written outside of ``target``. After an error it may hold the entries before
    the bad one: the caller removes it.
    """
    return _Reader(source, limits or BundleLimits(), target=target).read()


class _GuardedTarInfo(tarfile.TarInfo):
    """Refuses metadata blocks that would be read into memory whole, whatever size they claim."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_GuardedTarInfo":
        member = super().frombuf(buf, encoding, errors)
        if member.type in _METADATA_TYPES and member.size > _METADATA_BYTES:
            raise _unsafe(member.name, f"its header is larger than {_METADATA_BYTES} bytes")
        return member


class _Counted(io.RawIOBase):
    """Counts the packed bytes that go by, and stops at the limit."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._source = source
        self._left = limit
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._source.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLarge(f"The bundle is larger than {self._limit} bytes.", code="BUNDLE_TOO_LARGE")
        buffer[: len(chunk)] = chunk
        return len(chunk)


@dataclass
class _Reader:
    """One pass over one bundle. ``target`` is None where the bundle is only checked."""

    source: IO[bytes]
    limits: BundleLimits
    target: Path | None
    entries: int = 0
    unpacked_bytes: int = 0
    folders: set[PurePosixPath] = field(default_factory=set)
    files: dict[PurePosixPath, str] = field(default_factory=dict)
    """What each file is, in a word: whether it can be executed, and its content's digest."""
    links: dict[PurePosixPath, str] = field(default_factory=dict)

    def read(self) -> BundleFacts:
        try:
            for archive, member in self._members():
                self._admit(archive, member)
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            message = f"The bundle is not a complete tar.gz archive: {error}."
            raise Invalid(message, code="NOT_A_BUNDLE") from error
        if not self.entries and self.target is not None:
            raise Invalid("The bundle is empty.", code="NOT_A_BUNDLE")
        for path, to in self.links.items():
            self._refuse_escaping_link(path, to)
        self._make_links()
        return BundleFacts(self.entries, self.unpacked_bytes, self._digest())

    def _digest(self) -> str:
        digest = hashlib.sha256()
        folders = dict.fromkeys(self.folders, "folder")
        links = {path: f"link {to}" for path, to in self.links.items()}
        for path, what in sorted((folders | links | self.files).items()):
            digest.update(f"{path}\0{what}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        packed = io.BufferedReader(_Counted(self.source, self.limits.packed_bytes))
        with (
            gzip.GzipFile(fileobj=packed, mode="rb") as plain,
            tarfile.open(fileobj=plain, mode="r|", tarinfo=_GuardedTarInfo) as archive,
        ):
            while (member := archive.next()) is not None:
                yield archive, member
                # It keeps every header it saw, and stream mode never looks back.
                archive.members.clear()  # type: ignore[attr-defined]
            _read_to_the_end(plain, self.limits.unpacked_bytes)

    def _admit(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            message = f"The bundle has more than {self.limits.entries} entries."
            raise TooLarge(message, code="BUNDLE_TOO_LARGE")
        path = _safe_path(member.name)
        if path == PurePosixPath():
            return
        self._refuse_parents_that_are_no_folders(path)
        if member.isdir():
            self._admit_folder(path)
        elif member.issym():
            self._claim(path)
            self.links[path] = member.linkname
        elif member.islnk():
            self._admit_hard_link(path, member)
        elif member.isreg() and not member.issparse():
            self._admit_file(archive, member, path)
        else:
            raise _unsafe(member.name, "only files, folders and links are allowed")

    def _admit_folder(self, path: PurePosixPath) -> None:
        if path in self.files or path in self.links:
            raise _unsafe(str(path), "another entry of that name is no folder")
        self.folders.add(path)
        if self.target:
            (self.target / path).mkdir(parents=True, exist_ok=True)

    def _admit_file(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: PurePosixPath) -> None:
        if member.mode & _SET_ID_BITS:
            raise _unsafe(member.name, "files with a set-user-id or set-group-id bit are not allowed")
        self.unpacked_bytes += member.size
        if self.unpacked_bytes > self.limits.unpacked_bytes:
            message = f"The bundle unpacks to more than {self.limits.unpacked_bytes} bytes."
            raise TooLarge(message, code="BUNDLE_TOO_LARGE")
        self._claim(path)
        content = archive.extractfile(member)
        if content is None:
            raise _unsafe(member.name, "it has no content")
        mode = 0o755 if member.mode & _EXECUTABLE_BITS else 0o644
        if self.target is None:
            self.files[path] = f"{mode:o} {_copied(content, None)}"
            return
        file = self.target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with file.open("xb") as out:
            self.files[path] = f"{mode:o} {_copied(content, out)}"
        file.chmod(mode)

    def _admit_hard_link(self, path: PurePosixPath, member: tarfile.TarInfo) -> None:
        to = _safe_path(member.linkname)
        if to not in self.files:
            raise _unsafe(member.name, "a hard link must point to a file that came before it")
        self._claim(path)
        self.files[path] = self.files[to]
        if self.target:
            (self.target / path).parent.mkdir(parents=True, exist_ok=True)
            (self.target / path).unlink(missing_ok=True)
            (self.target / path).hardlink_to(self.target / to)

    def _claim(self, path: PurePosixPath) -> None:
        """A file may replace a file (appended archives do that); nothing replaces links or folders."""
        if path in self.folders or path in self.links:
            raise _unsafe(str(path), "another entry has that name")

    def _refuse_parents_that_are_no_folders(self, path: PurePosixPath) -> None:
        for parent in list(path.parents)[:-1]:
            if parent in self.links or parent in self.files:
                raise _unsafe(str(path), f"{str(parent)!r} is no folder")
            self.folders.add(parent)

    def _refuse_escaping_link(self, path: PurePosixPath, to: str) -> None:
        """Walk the link as the system would, through the bundle's own links.

        Comparing texts is not enough: ``a/up -> ..`` makes ``a/x -> up/../y`` leave the tree.
        """
        if not to or PurePosixPath(to).is_absolute() or "\0" in to:
            raise _unsafe(str(path), f"it links to {to!r}: only relative links inside the bundle are allowed")
        here = list(path.parent.parts)
        todo = list(reversed(PurePosixPath(to).parts))
        hops = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if not here:
                    raise _unsafe(str(path), f"it links to {to!r}, out of the bundle")
                here.pop()
                continue
            here.append(part)
            onward = self.links.get(PurePosixPath(*here))
            if onward is not None:
                hops += 1
                if hops > _MOST_LINK_HOPS or PurePosixPath(onward).is_absolute():
                    raise _unsafe(str(path), f"it links to {to!r}, which leads nowhere inside the bundle")
                here.pop()
                todo.extend(reversed(PurePosixPath(onward).parts))

    def _make_links(self) -> None:
        """Links come last, so that no file was ever written through one."""
        if self.target is None:
            return
        for path, to in self.links.items():
            (self.target / path).parent.mkdir(parents=True, exist_ok=True)
            (self.target / path).symlink_to(to)


def _copied(content: IO[bytes], out: IO[bytes] | None) -> str:
    """The digest of a content, which is also written to ``out``."""
    digest = hashlib.sha256()
    while chunk := content.read(_COPY_BYTES):
        digest.update(chunk)
        if out is not None:
            out.write(chunk)
    return digest.hexdigest()


def _safe_path(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute():
        raise _unsafe(name, "absolute paths are not allowed")
    if ".." in path.parts:
        raise _unsafe(name, "'..' is not allowed")
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) > _LONGEST_PATH_BYTES or any(
        len(part.encode("utf-8", "surrogateescape")) > _LONGEST_NAME_BYTES for part in path.parts
    ):
        raise _unsafe(name[:80] + "…", f"names have at most {_LONGEST_NAME_BYTES} bytes")
    if any(byte < ord(" ") for byte in raw):
        raise _unsafe(ascii(name), "control characters in names are not allowed")
    return path


def _read_to_the_end(plain: gzip.GzipFile, limit: int) -> None:
    """Padding after the archive's end is read too: only then is gzip's checksum checked."""
    left = limit
    while chunk := plain.read(_COPY_BYTES):
        left -= len(chunk)
        if left < 0:
            raise TooLarge(f"The bundle unpacks to more than {limit} bytes.", code="BUNDLE_TOO_LARGE")


def _unsafe(entry: str, rule: str) -> Invalid:
    printable = entry.encode("utf-8", "backslashreplace").decode()
    return Invalid(f"Bundle entry {printable!r}: {rule}.", code="UNSAFE_BUNDLE")
