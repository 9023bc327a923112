"""A note per living tree, so that a restarted runner finds what its former life left behind."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bellrock.runner.supervisor import procfs

_SUFFIX = ".tree.json"


@dataclass(frozen=True, slots=True)
class TreeRecord:
    """What identifies a tree. A pid counts only together with its start time and the boot."""

    name: str
    mechanism: str
    boot: str
    keeper: int
    keeper_started: int
    main: int
    main_started: int
    namespace: int | None
    user: int | None  # only where the run had a user of its own
    cgroups: tuple[str, ...]


def write_record(folder: Path, record: TreeRecord) -> Path:
    """Keep a record; complete or not there at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.name}{_SUFFIX}"
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(path)
    return path


def read_records(folder: Path) -> list[tuple[Path, TreeRecord | None]]:
    """All records; None for one that cannot be read."""
    found: list[tuple[Path, TreeRecord | None]] = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        record = None
        with contextlib.suppress(OSError, ValueError, TypeError):
            fields = json.loads(path.read_text())
            record = TreeRecord(**{**fields, "cgroups": tuple(fields["cgroups"])})
        found.append((path, record))
    return found


def start_of(pid: int) -> int:
    """When a process started; 0, which fits none, where it is gone."""
    process = procfs.read_process(pid)
    return process.started if process is not None else 0


def still_the_same(pid: int, started: int) -> bool:
    """Whether a pid still belongs to the process it was recorded for."""
    process = procfs.read_process(pid)
    return process is not None and process.started == started
