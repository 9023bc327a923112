"""How a suite's packages are installed, and what the result depends on."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.node_suites.suite import NodeFiles, PackageManager
from bellrock.runner.playwright.browsers import machine

# An install reads these besides lock files and package.json.
_SETTINGS_FILES = frozenset(
    {".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs", "bunfig.toml"}
)
_FORMAT = "1"

# What is used where the machine has no such program: fetched by npm, like any package of the suite.
_FETCHED = {
    PackageManager.PNPM: "pnpm@10",
    PackageManager.YARN: "yarn@1.22.22",
    PackageManager.BUN: "bun@1",
}
_YARN_2 = "@yarnpkg/cli-dist@4"
_WORDS = {
    PackageManager.NPM: ("npm", "ci"),
    PackageManager.PNPM: ("pnpm", "install", "--frozen-lockfile"),
    PackageManager.YARN: ("yarn", "install", "--frozen-lockfile"),
    PackageManager.BUN: ("bun", "install", "--frozen-lockfile"),
}


def install_argv(suite: NodeFiles, install_command: str, *, has_program: bool) -> tuple[str, ...]:
    """The process that installs: the check's own command, or what the lock file asks for.

    Install scripts run: packages of the suite may need them, and the sandbox holds them.
    """
    if install_command.strip():
        return ("/bin/sh", "-c", install_command)
    manager = suite.package_manager
    words = _WORDS[manager]
    if manager is PackageManager.NPM:
        return words
    is_yarn_2 = manager is PackageManager.YARN and _is_yarn_2(suite.lock_file)
    if is_yarn_2:
        words = ("yarn", "install", "--immutable")
    if has_program and not is_yarn_2:
        return words
    package = _declared(suite, manager) or (_YARN_2 if is_yarn_2 else _FETCHED[manager])
    return ("npm", "exec", "--yes", f"--package={package}", "--", *words)


def install_key(
    suite: NodeFiles, spec: PlaywrightSuite, *, account_id: UUID, node_version: str, argv: tuple[str, ...]
) -> str:
    """The name of the install's result: see `suite_kind.Suite`. Blocking."""
    digest = hashlib.sha256()
    parts = (_FORMAT, str(account_id), node_version, machine(), *argv, spec.working_dir)
    for part in (*parts, spec.engine or "", spec.engine_version or ""):
        digest.update(part.encode() + b"\0")
    if spec.cache_hash:
        digest.update(b"given\0" + spec.cache_hash.encode())
        return digest.hexdigest()[:40]
    for file in sorted({suite.lock_file, *_install_inputs(suite.root)}):
        digest.update(str(file.relative_to(suite.root)).encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:40]


def _install_inputs(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "node_modules"]
        for name in names:
            file = Path(folder) / name
            if (name == "package.json" or name in _SETTINGS_FILES) and file.is_file():
                yield file


def _is_yarn_2(lock_file: Path) -> bool:
    with lock_file.open("rb") as file:
        return b"__metadata:" in file.read(4_096)


def _declared(suite: NodeFiles, manager: PackageManager) -> str | None:
    """The version that package.json asks for in `packageManager`, as a package to fetch."""
    try:
        declared = json.loads((suite.root / "package.json").read_bytes()).get("packageManager", "")
    except (OSError, ValueError, AttributeError):
        return None
    name, _, version = str(declared).partition("@")
    version = version.partition("+")[0]  # after the plus: a hash of another packing
    if name != manager or not version or not all(part.isalnum() for part in version.split(".")):
        return None
    is_yarn_2 = manager is PackageManager.YARN and not version.startswith("1.")
    return f"@yarnpkg/cli-dist@{version}" if is_yarn_2 else f"{name}@{version}"
