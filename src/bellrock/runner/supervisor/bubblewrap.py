"""The strongest container: its own PID, mount, IPC and UTS namespace, made by bubblewrap.

What is not named here does not exist inside: no home, no /root, no /run, no /sys, no data folder
of the control plane, no file of the runner. As root, bubblewrap would keep all capabilities, so it
gets only those that changing the user needs, and the suite gets none.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from bellrock.runner.supervisor.spec import ProcessSpec
from bellrock.runner.supervisor.tools import drop_rights, has_option

# Programs and libraries. A part of /etc is needed to resolve names, check certificates and draw text.
_SYSTEM_FOLDERS = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store", "/opt/google",
)  # fmt: skip
_SYSTEM_SETTINGS = (
    "alternatives", "ca-certificates", "chromium", "chromium.d", "crypto-policies", "fonts", "gai.conf",
    "host.conf", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types",
    "nsswitch.conf", "os-release", "pki", "protocols", "resolv.conf", "services", "ssl/certs",
    "ssl/openssl.cnf", "timezone",
)  # fmt: skip
_DEFAULT_PRIVATE_BYTES = 1024**3
_RIGHTS_TO_CHANGE_USER = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


def bubblewrap_command(
    tool: str,
    spec: ProcessSpec,
    inner: Sequence[str],
    *,
    user: int,
    as_root: bool,
    info: int,
    accounts: int,
) -> list[str]:
    """The command that runs ``inner`` contained.

    ``info`` is the descriptor for the init's pid, ``accounts`` one to read /etc/passwd from.
    """
    command = [tool, *_namespaces(tool, as_root=as_root), "--info-fd", str(info)]
    command += _system()
    command += ["--perms", "0444", "--ro-bind-data", str(accounts), "/etc/passwd"]
    command += _private_folders(tool, spec)
    command += _given_folders(tool, spec)
    # Written files would lie in memory beyond any limit: /dev and / are the suite's to read only.
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(spec.cwd), "--"]
    return [*command, *drop_rights(user, as_root=as_root), *inner]


def _namespaces(tool: str, *, as_root: bool) -> list[str]:
    options = [
        "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--die-with-parent", "--new-session",
    ]  # fmt: skip
    if as_root:
        options += ["--cap-drop", "ALL"]
        for right in _RIGHTS_TO_CHANGE_USER:
            options += ["--cap-add", right]
    else:
        options += ["--unshare-user"]
        if has_option(tool, "--disable-userns"):
            options += ["--disable-userns"]
    return options


def _system() -> list[str]:
    mounts: list[str] = []
    for name in _SYSTEM_FOLDERS:
        folder = Path(name)
        if folder.is_symlink():
            mounts += ["--symlink", str(folder.readlink()), name]
        elif folder.exists():
            mounts += ["--ro-bind", name, name]
    mounts += _open_folders(Path("/etc"), Path("/etc/ssl"))
    for name in _SYSTEM_SETTINGS:
        # A link may point to where nothing is visible from inside (/run): its target is mounted.
        source = Path("/etc", name).resolve()
        if source.exists():
            mounts += ["--ro-bind", str(source), f"/etc/{name}"]
    return [*mounts, "--proc", "/proc", "--dev", "/dev"]


def _private_folders(tool: str, spec: ProcessSpec) -> list[str]:
    mounts: list[str] = []
    for folder in ("/dev/shm", "/tmp"):  # noqa: S108 - these are the run's own
        mounts += _memory_folder(tool, folder, spec)
    return mounts


def _memory_folder(tool: str, folder: str, spec: ProcessSpec) -> list[str]:
    options = ["--perms", "1777"]
    if has_option(tool, "--size"):
        size = spec.limits.disk_bytes or _DEFAULT_PRIVATE_BYTES
        options += ["--size", str(size)]
    return [*options, "--tmpfs", folder]


def _given_folders(tool: str, spec: ProcessSpec) -> list[str]:
    """Outer folders first, so that a folder inside another one is not covered by it."""
    mounts = [
        *((folder, ["--bind", str(folder), str(folder)]) for folder in spec.writable),
        *((it.seen_at, ["--ro-bind", str(it.source), str(it.seen_at)]) for it in spec.read_only),
        *((folder, _memory_folder(tool, str(folder), spec)) for folder in spec.private),
    ]
    mounts.sort(key=lambda mount: len(mount[0].parts))
    given = {target for target, _ in mounts}
    command: list[str] = []
    for target, words in mounts:
        if not given.intersection(target.parents):
            command += _open_folders(*reversed(target.parents[:-1]))
        command += words
    return command


def _open_folders(*folders: Path) -> list[str]:
    """Folders on the way, which bubblewrap would close to everybody else when it makes them."""
    outside = [folder for folder in folders if not folder.is_relative_to("/usr")]
    return [word for folder in outside for word in ("--perms", "0755", "--dir", str(folder))]


def account_file(user: int) -> bytes:
    """An /etc/passwd in which the run's user has a name: Node and others ask for it."""
    return (
        f"suite:x:{user}:{os.getgid() if os.geteuid() else user}:suite:/tmp:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ).encode()
