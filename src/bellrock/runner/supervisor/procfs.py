"""Reading /proc: who is there, whose child, in which namespace. Never by name, never to kill."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BROWSER_NAMES = ("chrom", "headless_shell", "headless-shell", "firefox", "minibrowser", "webkit")


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One living process at one moment. ``started`` (clock ticks since boot) tells reused pids apart."""

    pid: int
    parent: int
    command: str
    threads: int
    started: int
    resident_bytes: int


def all_pids() -> Iterator[int]:
    """Every process that is visible."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            yield int(entry.name)


def read_process(pid: int) -> ProcessInfo | None:
    """One process, or None where it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The command may hold spaces and brackets itself: the last bracket ends it.
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if not fields or fields[0] in "ZX":
        return None
    return ProcessInfo(
        pid=pid,
        parent=int(fields[1]),
        command=head.partition("(")[2],
        threads=int(fields[17]),
        started=int(fields[19]),
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )


def snapshot() -> dict[int, ProcessInfo]:
    """Every living process. Not atomic: a process may move between two reads."""
    found = (read_process(pid) for pid in all_pids())
    return {process.pid: process for process in found if process is not None}


def descendants(root: int, processes: Mapping[int, ProcessInfo]) -> dict[int, ProcessInfo]:
    """The processes below ``root``, without it."""
    children: dict[int, list[ProcessInfo]] = defaultdict(list)
    for process in processes.values():
        children[process.parent].append(process)
    found: dict[int, ProcessInfo] = {}
    todo = [root]
    while todo:
        for process in children.get(todo.pop(), ()):
            if process.pid not in found:
                found[process.pid] = process
                todo.append(process.pid)
    return found


def pid_namespace(pid: int | str) -> int | None:
    """The inode of a process's PID namespace, or None where it is gone or may not be seen."""
    try:
        return Path(f"/proc/{pid}/ns/pid").stat().st_ino
    except OSError:
        return None


def namespace_members(namespace: int, pids: Iterable[int]) -> set[int]:
    """Those of ``pids`` that live directly in a PID namespace."""
    return {pid for pid in pids if pid_namespace(pid) == namespace}


def user_of(pid: int) -> int | None:
    """The effective user of a process, or None where it is gone."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def is_browser(process: ProcessInfo) -> bool:
    """Whether a process is a browser's, judged by its program file or, where hidden, its command."""
    try:
        program = os.path.basename(os.readlink(f"/proc/{process.pid}/exe"))  # noqa: PTH115, PTH119 - may be a dead link
    except OSError:
        program = ""
    return any(name in text.lower() for name in _BROWSER_NAMES for text in (program, process.command))


def private_bytes(processes: Iterable[ProcessInfo]) -> int:
    """Roughly what processes use together: their own pages, and what they share once."""
    own, shared = 0, 0
    for process in processes:
        try:
            pages = Path(f"/proc/{process.pid}/statm").read_text().split()
        except OSError:
            continue
        own += (int(pages[1]) - int(pages[2])) * _PAGE_BYTES
        shared = max(shared, int(pages[2]) * _PAGE_BYTES)
    return own + shared


def boot_id() -> str:
    """Changes with each boot: pids and namespaces of another boot mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
