"""The means this machine has to own a process tree, and what each of them guarantees."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Mechanism(StrEnum):
    """Ways to contain a process tree, the strongest first."""

    BUBBLEWRAP = "bubblewrap"
    UNSHARE = "unshare"
    CGROUP = "cgroup"
    SHEPHERD = "shepherd"
    PROCESS_GROUP = "process-group"  # no containment: only by force


@dataclass(frozen=True, slots=True)
class Isolation:
    """The mechanism in use. Made by ``probe_isolation`` only, which has tried it.

    ``hides_files``: the suite sees only the folders it was given. ``private_tmp``: /tmp and
    /dev/shm are the run's own. ``drops_user``: the suite runs as another, unprivileged user.
    ``state_folder`` keeps a record per living tree, for the sweep after a crash.
    ``control_groups``: limits are left to the kernel where it lets us.
    """

    mechanism: Mechanism
    guarantees: str
    hides_files: bool
    private_tmp: bool
    drops_user: bool
    state_folder: Path | None = None
    control_groups: bool = True

    @property
    def name(self) -> str:
        """What receipts and the runner's greeting show."""
        return str(self.mechanism)


@dataclass(frozen=True, slots=True)
class MeansReport:
    """One mechanism, or one limit, as tried on this machine. ``detail``: what it gives, or why not."""

    name: str
    works: bool
    detail: str


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything that was tried, for ``runner doctor``."""

    mechanisms: tuple[MeansReport, ...]
    limits: tuple[MeansReport, ...]
    notes: tuple[str, ...] = ()
