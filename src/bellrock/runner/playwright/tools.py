"""Programs that suites need and this machine lacks: package managers and engines, in a cache.

They come from the npm registry, which is all that a runner can count on besides Node. Only the archive is
taken, checked by npm against the registry's own digest, and none of its install scripts are run: what is
cached here is used by every account.
"""

import asyncio
import hashlib
import hmac
import shutil
import tarfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from bellrock.runner.janitor import Pruned, size_of
from bellrock.runner.playwright.environment import install_environment
from bellrock.runner.playwright.failures import RunEnded, check_failed, runner_failed
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.sandbox import Machine, process_limits, start
from bellrock.runner.supervisor import Mount, OutputLine, take_back
from bellrock.wire.messages import Limits

_FOLDER = "tools"
_MAKING = ".making-"
_LAST_LINES = 12
_IDLE_DAYS = 30
_HALF_MADE_DAYS = 1
_UNKNOWN_VERSION = ("ETARGET", "E404", "EINVALIDPACKAGENAME")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program as the registry has it. ``version`` is a whole one, or the newest of it is meant.

    ``programs`` are names and where they lie in the package. ``digest`` of the archive, as
    ``sha512.<hex>``, is compared with what was fetched; there may be none.
    """

    package: str
    version: str
    programs: Mapping[str, str] = field(compare=False)
    digest: str = ""

    @property
    def spec(self) -> str:
        """What npm calls it."""
        return f"{self.package}@{self.version}"

    @property
    def folder_name(self) -> str:
        """Equal tools, equal name."""
        checked = f"-{hashlib.sha256(self.digest.encode()).hexdigest()[:12]}" if self.digest else ""
        return self.spec.removeprefix("@").replace("/", "-") + checked


@dataclass(frozen=True, slots=True)
class ToolKit:
    """The tools of one run, which come before the machine's own programs."""

    folders: tuple[Path, ...] = ()

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What a sandbox must show of them."""
        return tuple(Mount(folder) for folder in self.folders)

    def search_path(self, rest: str) -> str:
        """PATH with them."""
        return ":".join([*(str(folder / "bin") for folder in self.folders), rest])

    def find(self, program: str) -> Path | None:
        """One of their programs."""
        places = (folder / "bin" / program for folder in self.folders)
        return next((place for place in places if place.exists()), None)


class ToolCache:
    """The tools of a runner, each fetched once."""

    def __init__(self, cache_folder: Path, machine: Machine) -> None:
        self._folder = cache_folder / _FOLDER
        self._machine = machine
        self._fetching: dict[str, asyncio.Lock] = {}

    async def provide(self, tools: Sequence[Tool], *, limits: Limits) -> ToolKit:
        """The tools, from the cache or fetched.

        :raises RunEnded: one cannot be had; the outcome says which, and blames the check for a version that
            does not exist.
        """
        return ToolKit(tuple([await self._provide(tool, limits) for tool in tools]))

    async def _provide(self, tool: Tool, limits: Limits) -> Path:
        folder = self._folder / tool.folder_name
        # Who is cancelled while fetching leaves that to the next.
        async with self._fetching.setdefault(tool.folder_name, asyncio.Lock()):
            if not folder.is_dir():
                await self._fetch(tool, folder, limits)
        with suppress(OSError):
            folder.touch()  # in use: see `prune_tools`
        return folder

    async def _fetch(self, tool: Tool, folder: Path, limits: Limits) -> None:
        scratch = self._folder / f"{_MAKING}{uuid4().hex}"
        folders = RunFolders(scratch, self._machine.isolation.private_tmp)
        folders.create()
        try:
            await self._pack(tool, folders, limits)
            await asyncio.to_thread(keep_archive, tool, folders, folder)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True))

    async def _pack(self, tool: Tool, folders: RunFolders, limits: Limits) -> None:
        last_lines: deque[str] = deque(maxlen=_LAST_LINES)

        async def on_output(lines: Sequence[OutputLine]) -> None:
            last_lines.extend(line.text for line in lines)

        process = await start(
            self._machine,
            f"tool.{uuid4().hex}",
            argv=("npm", "pack", "--ignore-scripts", "--loglevel=error", tool.spec),
            cwd=folders.suite,
            # None of a check's variables: they could lead to another registry.
            environment=install_environment(
                folders,
                (),
                search_path=self._machine.search_path,
                extra=self._machine.options.install_environment,
            ),
            writable=folders.work,
            limits=process_limits(limits),
            on_output=on_output,
        )
        try:
            ended = await asyncio.wait_for(asyncio.shield(process.wait()), limits.install_s)
        except BaseException as error:
            await asyncio.shield(process.cancel(graceful=False))
            if isinstance(error, TimeoutError):
                raise _not_fetched(tool, f"not within {limits.install_s:g} s") from None
            raise
        await asyncio.to_thread(take_back, folders.work)
        if ended.code != 0:
            raise _not_fetched(tool, "\n".join(last_lines))


def unfinished_fetches(cache_folder: Path) -> list[Path]:
    """The scratch folders in a cache. Nobody's, unless a runner uses the cache now."""
    return list((cache_folder / _FOLDER).glob(f"{_MAKING}*"))


def prune_tools(cache_folder: Path) -> Pruned:
    """Remove tools that no run used for 30 days, and what a crash left half made. Blocking."""
    now = time.time()
    pruned = Pruned()
    for folder in (cache_folder / _FOLDER).glob("*"):
        most_idle_days = _HALF_MADE_DAYS if folder.name.startswith(_MAKING) else _IDLE_DAYS
        if folder.stat().st_mtime < now - most_idle_days * 86_400:
            pruned += Pruned(1, size_of(folder))
            shutil.rmtree(folder, ignore_errors=True)
    return pruned


def keep_archive(tool: Tool, folders: RunFolders, target: Path) -> None:
    """Unpack what npm fetched, as the tool's folder. Blocking.

    :raises RunEnded: it is not what was asked for.
    """
    archives = list(folders.suite.glob("*.tgz"))
    if len(archives) != 1 or archives[0].is_symlink():
        raise _not_fetched(tool, f"npm fetched {len(archives)} archives")
    archive = archives[0]
    _check_digest(tool, archive)
    made = folders.root / "tool"
    with tarfile.open(archive) as packed:
        packed.extractall(made, filter="data")
    package = next(path for path in made.iterdir() if path.is_dir())
    package.rename(made / "package")
    (made / "bin").mkdir()
    for name, inside in tool.programs.items():
        program = made / "package" / inside
        if not program.is_file():
            raise _not_fetched(tool, f"its package has no {inside}")
        program.chmod(0o755)
        (made / "bin" / name).symlink_to(Path("..") / "package" / inside)
    try:
        made.rename(target)
    except OSError:  # another runner of this cache was faster: its folder is the same
        if not target.is_dir():
            raise


def _check_digest(tool: Tool, archive: Path) -> None:
    algorithm, _, wanted = tool.digest.partition(".")
    if not wanted:
        return
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if not hmac.compare_digest(found, wanted.lower()):
        message = (
            f"{tool.spec} has another {algorithm} digest than package.json's packageManager says:\n"
            f"{found} instead of {wanted}"
        )
        raise RunEnded(check_failed("TOOL_NOT_FETCHED", message))


def _not_fetched(tool: Tool, why: str) -> RunEnded:
    message = f"{tool.spec} could not be fetched from the npm registry: {why}"
    if any(code in why for code in _UNKNOWN_VERSION):
        return RunEnded(check_failed("TOOL_NOT_FETCHED", message))
    return RunEnded(runner_failed("TOOL_NOT_FETCHED", message))
