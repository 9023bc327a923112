"""Which mechanism is used: found by trying, never by looking at versions."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bellrock.runner.supervisor import procfs
from bellrock.runner.supervisor.cgroups import CgroupMeans, RunCgroup, find_means
from bellrock.runner.supervisor.errors import IsolationUnavailable, LaunchFailed
from bellrock.runner.supervisor.isolation import DoctorReport, Isolation, MeansReport, Mechanism
from bellrock.runner.supervisor.plans import closed_folder, make_plan
from bellrock.runner.supervisor.spec import ProcessLimits, ProcessSpec
from bellrock.runner.supervisor.tools import HELPER_ENVIRONMENT, find_tool
from bellrock.runner.supervisor.users import FIRST_USER

_TRY_TIMEOUT_S = 10.0
# Tells who and where it is, and leaves a daemon behind that must be gone with it.
_QUESTION = (
    "readlink /proc/self/ns/pid; id -u; grep CapEff /proc/self/status; (setsid sleep 60 >/dev/null 2>&1 &)"
)
_NO_NAMESPACES = (
    "This machine does not let the runner make namespaces. In a container, give it CAP_SYS_ADMIN or a seccomp"
    " profile that allows them; elsewhere look at user.max_user_namespaces, kernel.unprivileged_userns_clone"
    " and kernel.apparmor_restrict_unprivileged_userns."
)
_NO_OTHER_USER = "The runner is root and may not become another user: give it CAP_SETUID and CAP_SETGID."
_NO_SETPRIV = "As root it needs setpriv (util-linux) to drop its rights."
_REASONS = (
    (re.compile(r"setres[ug]id|setgroups|CAP_SET[UG]ID"), _NO_OTHER_USER),
    (
        re.compile(
            r"(unshare|namespace|uid map|gid map|user_namespaces).*(not permitted|denied|No space)",
            re.IGNORECASE,
        ),
        _NO_NAMESPACES,
    ),
)


def probe_isolation(
    *, forced: Mechanism | None = None, state_folder: Path | None = None, control_groups: bool = True
) -> Isolation:
    """The strongest mechanism that works here, or the forced one if it works.

    ``state_folder`` is for the records that ``sweep_orphans`` reads; without one there are none.
    ``control_groups=False`` keeps the runner's hands off them: limits are then looked at from
    outside.

    Starts a few short processes; call it from the main thread. Raises IsolationUnavailable.
    """
    reasons: list[str] = []
    for mechanism in [forced] if forced else _CONTAINING:
        try:
            _try(mechanism)
        except LaunchFailed as error:
            reasons.append(f"{mechanism}: {error}")
        else:
            found = _isolation(mechanism, state_folder)
            return replace(found, control_groups=control_groups)
    raise IsolationUnavailable(
        "No means to contain a suite's processes works on this machine. "
        + " ".join(f"[{reason}]" for reason in reasons)
        + " Install bubblewrap. Killing by process group alone is no containment and is used only"
        f" where it is forced ('{Mechanism.PROCESS_GROUP}')."
    )


def doctor(*, state_folder: Path | None = None) -> DoctorReport:
    """Every mechanism and limit: whether it works on this machine, and why not."""
    reports: list[MeansReport] = []
    for mechanism in _CONTAINING:
        isolation = _isolation(mechanism, state_folder)
        try:
            _try(mechanism)
        except LaunchFailed as error:
            reports.append(MeansReport(mechanism, works=False, detail=str(error)))
        else:
            reports.append(MeansReport(mechanism, works=True, detail=isolation.guarantees))
    forced_only = (
        f"Works, and is used only where forced. {_isolation(Mechanism.PROCESS_GROUP, None).guarantees}"
    )
    reports.append(MeansReport(Mechanism.PROCESS_GROUP, works=True, detail=forced_only))
    return DoctorReport(tuple(reports), _limits(find_means()), _notes(state_folder))


_CONTAINING = (Mechanism.BUBBLEWRAP, Mechanism.UNSHARE, Mechanism.CGROUP, Mechanism.SHEPHERD)


def _try(mechanism: Mechanism) -> None:
    """Contain a small shell by the mechanism and look at what it got. Raises LaunchFailed."""
    if mechanism is Mechanism.PROCESS_GROUP:
        return  # nothing to try: it contains nothing
    means = find_means()
    if mechanism is Mechanism.CGROUP and not means.kills:
        raise LaunchFailed("no version 2 control group with cgroup.kill can be made below the runner's own")
    user = FIRST_USER if os.geteuid() == 0 else os.geteuid()
    with tempfile.TemporaryDirectory(prefix="bellrock-probe-") as folder:
        Path(folder).chmod(0o755)
        spec = ProcessSpec(
            name=f"probe-{os.getpid()}",
            argv=("true",),
            cwd=Path(folder),
            environment={},
            writable=(Path(folder),),
            limits=ProcessLimits(disk_bytes=1024**2),
        )
        group = RunCgroup(spec.name, means, spec.limits)
        told = _ask(mechanism, spec, ["/bin/sh", "-c", _QUESTION], user=user, group=group)
    _judge(mechanism, told, user=user)


def _ask(
    mechanism: Mechanism, spec: ProcessSpec, inner: Sequence[str], *, user: int, group: RunCgroup
) -> list[str]:
    plan = make_plan(mechanism, spec, inner, user=user, cgroup=group)
    try:
        answer = subprocess.run(
            plan.command,
            cwd=plan.cwd,
            env=HELPER_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=plan.theirs,
            timeout=_TRY_TIMEOUT_S,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchFailed(str(error)) from error
    finally:
        plan.close()
    lines = answer.stdout.decode(errors="replace").split("\n")
    if answer.returncode != 0 or len(lines) < len(("namespace", "user", "rights")):
        said = answer.stderr.decode(errors="replace").strip() or f"it ended with code {answer.returncode}"
        raise LaunchFailed(explained(said, as_root=os.geteuid() == 0))
    return lines


def explained(said: str, *, as_root: bool) -> str:
    """What a helper program said when it failed, with what that means and what to do about it."""
    meanings = [meaning for pattern, meaning in _REASONS if pattern.search(said)]
    if as_root and find_tool("setpriv") is None:
        meanings.append(_NO_SETPRIV)
    return " ".join([f"{said.rstrip('.')}.", *meanings])


def _judge(mechanism: Mechanism, told: list[str], *, user: int) -> None:
    namespace, uid, rights = told[:3]
    own = namespace != f"pid:[{procfs.pid_namespace('self')}]"
    if mechanism in (Mechanism.BUBBLEWRAP, Mechanism.UNSHARE) and not own:
        raise LaunchFailed("it gave no PID namespace of its own")
    if uid != str(user):
        raise LaunchFailed(f"the suite would run as user {uid} instead of {user}")
    if int(rights.split()[1], 16) != 0:
        raise LaunchFailed("the suite would keep rights of root")


_NAMESPACE = (
    "Every process of a run lives in a PID namespace of its own, whatever it forks, detaches or renames;"
    " when it is stopped, or when the runner dies, the kernel ends all of them at once"
)
_SHEPHERD = (
    "Every orphan of a run is given to its shepherd, which kills until nobody is left, also when the"
    " runner dies"
)
_FILES_OPEN = " It shares /tmp and sees what every user of the machine may read."


def _isolation(mechanism: Mechanism, state_folder: Path | None) -> Isolation:
    as_root = os.geteuid() == 0
    hides = mechanism is Mechanism.BUBBLEWRAP
    user = (
        " It runs as an unprivileged user of its own."
        if as_root
        else " It runs as the runner's user, without further rights."
    )
    weak = "" if as_root else " A hostile suite can kill its shepherd, being the same user."
    sentence = {
        Mechanism.BUBBLEWRAP: f"{_NAMESPACE}. The suite sees only the system's programs and its own folders.",
        Mechanism.UNSHARE: f"{_NAMESPACE}.{_FILES_OPEN}",
        Mechanism.CGROUP: f"{_SHEPHERD}, and its control group is killed as a whole.{weak}{_FILES_OPEN}",
        Mechanism.SHEPHERD: f"{_SHEPHERD}.{weak}{_FILES_OPEN}",
        Mechanism.PROCESS_GROUP: (
            "Only processes that stay in the run's group or below its main process are found;"
            f" what detaches itself survives, and nothing is proven.{_FILES_OPEN}"
        ),
    }[mechanism]
    return Isolation(
        mechanism=mechanism,
        guarantees=sentence + user,
        hides_files=hides,
        private_tmp=hides,
        drops_user=as_root,
        state_folder=state_folder,
    )


def _closed(state_folder: Path) -> Path | None:
    """The folder that keeps a run's user from its files. A runner makes its own closed to others."""
    runner_folder = state_folder.parent
    return closed_folder(state_folder) if runner_folder.is_dir() else runner_folder


def _limits(means: CgroupMeans) -> tuple[MeansReport, ...]:
    by_eye = "no control group can be written: looked at twice a second, so a short peak can exceed it"
    memory_version = "version 2" if means.unified_memory else "version 1"
    pids_version = "version 2" if means.unified_pids else "version 1"
    return (
        MeansReport(
            "memory",
            works=means.limits_memory,
            detail=f"kept by the kernel (control group {memory_version})" if means.limits_memory else by_eye,
        ),
        MeansReport(
            "processes",
            works=means.limits_processes,
            detail=f"kept by the kernel (control group {pids_version})" if means.limits_processes else by_eye,
        ),
        MeansReport("processor", works=means.limits_cpu, detail=_processor(means)),
        MeansReport("disk", works=True, detail="each file by the kernel; folders are measured every second"),
        MeansReport("output", works=True, detail="counted as it is read"),
        MeansReport("open files and core dumps", works=True, detail="kept by the kernel (rlimits)"),
    )


def _processor(means: CgroupMeans) -> str:
    if not means.limits_cpu:
        return "no control group can be written: runs have a low priority, and no number of processors"
    version = "version 2" if means.unified_cpu else "version 1"
    return f"kept by the kernel (control group {version}); runs come after everything else"


def _notes(state_folder: Path | None) -> tuple[str, ...]:
    notes = []
    if os.geteuid() == 0:
        notes.append(f"The runner is root; each run gets an unprivileged user from {FIRST_USER} up.")
        closed = _closed(state_folder) if state_folder else None
        if closed is not None:
            notes.append(
                f"Without bubblewrap that user could not reach its files: {closed} is closed to others."
            )
    return tuple(notes)
