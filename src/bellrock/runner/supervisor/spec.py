"""What a process tree is started with: command, environment, folders, limits and waiting times."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from bellrock.runner.supervisor.errors import InvalidSpec

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")


class OutputLine(NamedTuple):  # a million of them may come: cheaper than a dataclass
    """One line the suite printed, without its line end; invalid UTF-8 is replaced."""

    stream: Literal["stdout", "stderr", "system"]
    text: str
    at: datetime


# Receives lines in order, in batches. A slow sink slows the suite down for a bounded time only;
# then lines are dropped, and a line of the stream "system" says how many.
OutputSink = Callable[[Sequence[OutputLine]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the host that the suite may read, seen at ``target`` (default: same path)."""

    source: Path
    target: Path | None = None

    @property
    def seen_at(self) -> Path:
        """The path inside."""
        return self.target or self.source


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What the whole tree may use together. None means no limit.

    ``disk_bytes`` bounds the writable folders (what lies there at the start counts), each private
    folder in memory, and each single file. ``cpus`` is how many processors it may keep busy; only a
    control group can hold it to that. ``timeout_s`` runs from the start of the process.
    """

    memory_bytes: int | None = 3 * 1024**3
    processes: int | None = 512
    disk_bytes: int | None = 2 * 1024**3
    output_bytes: int | None = 50 * 1024**2
    cpus: float | None = None
    open_files: int = 8_192
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class LadderTimes:
    """How long each step of the cancel ladder waits at most for the main process to go.

    ``hard_stop_s`` counts from the request: then the namespace is killed, whatever came before.
    """

    interrupt_s: float = 1.2
    browsers_s: float = 0.8
    workers_s: float = 0.5
    interrupt_again_s: float = 0.7
    hard_stop_s: float = 3.2


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process tree to be started.

    ``name`` is unique among the runs of this machine (the attempt id): records and cgroups carry
    it. ``environment`` is the whole environment: nothing is inherited. ``writable`` folders exist
    and are handed to the run's user. ``read_only`` is what else may be read besides the system's
    programs. ``private`` are folders that start empty and are gone afterwards (in memory where the
    isolation has a mount namespace). Where ``main_understands_sigint`` is False (a shell, an
    install), a graceful stop is a kill as well.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)  # holds secrets
    writable: tuple[Path, ...]
    read_only: tuple[Mount, ...] = ()
    private: tuple[Path, ...] = ()
    limits: ProcessLimits = ProcessLimits()
    ladder: LadderTimes = LadderTimes()
    on_output: OutputSink | None = None
    main_understands_sigint: bool = True

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise InvalidSpec("name", "must be 1 to 100 letters, digits, '-', '_' or '.' and begin with one")
        if not self.argv or any("\0" in word for word in self.argv):
            raise InvalidSpec("argv", "must hold at least the program, and no NUL characters")
        for key, value in self.environment.items():
            if not _VARIABLE_NAME.match(key):
                raise InvalidSpec("environment", f"{key!r} is no name of an environment variable")
            if "\0" in value:
                raise InvalidSpec("environment", f"the value of {key} holds a NUL character")
        self._require_absolute_paths()

    def _require_absolute_paths(self) -> None:
        mounts = [path for mount in self.read_only for path in (mount.source, mount.seen_at)]
        for path in (self.cwd, *self.writable, *self.private, *mounts):
            if not path.is_absolute():
                raise InvalidSpec("paths", f"{path} is not absolute")
