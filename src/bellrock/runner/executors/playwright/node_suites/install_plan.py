"""How a suite's packages are installed, and what the result depends on."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.node_suites.needed_tools import is_yarn_2
from bellrock.runner.executors.playwright.node_suites.suite import NodeFiles, PackageManager
from bellrock.runner.playwright.browsers import machine
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES

# An install reads these besides lock files and package.json.
_SETTINGS_FILES = frozenset(
    {".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".pnpmfile.cjs", "bunfig.toml"}
)
_EMBEDDED = Path(".checkly", "embedded-packages")
_REGISTRIES = Path(".checkly", "config", "registries.json")
_FORMAT = "2"

_WORDS = {
    PackageManager.NPM: ("npm", "ci"),
    PackageManager.PNPM: ("pnpm", "install", "--frozen-lockfile"),
    PackageManager.YARN: ("yarn", "install", "--frozen-lockfile"),
    PackageManager.BUN: ("bun", "install", "--frozen-lockfile"),
}
_YARN_2_WORDS = ("yarn", "install", "--immutable")


def install_argv(suite: NodeFiles, install_command: str) -> tuple[str, ...]:
    """The process that installs: the check's own command, or what the lock file asks for.

    Install scripts run: packages of the suite may need them, and the sandbox holds them.
    """
    if install_command.strip():
        return ("/bin/sh", "-c", install_command)
    return _YARN_2_WORDS if is_yarn_2(suite) else _WORDS[suite.package_manager]


def names_registries(root: Path) -> bool:
    """Whether the bundle embeds packages, or says where they are to be got from."""
    return (root / _REGISTRIES).is_file() or any((root / _EMBEDDED).glob("*.tgz"))


def manager_environment(suite: NodeFiles) -> dict[str, str]:
    """What the package manager is told by, when it installs and when a test command uses it.

    A bundle of the `checkly` command has no .yarnrc.yml, since registries' secrets stand there. Packages are
    kept as folders here, and without its own notes beside them yarn takes a project for not installed.
    """
    if not is_yarn_2(suite):
        return {}
    packages = suite.lock_file.parent / NODE_PACKAGES
    return {
        "YARN_NODE_LINKER": "node-modules",
        "YARN_INSTALL_STATE_PATH": os.path.relpath(packages / ".yarn-install-state.gz", suite.folder),
        "YARN_ENABLE_TELEMETRY": "0",
    }


def install_key(
    suite: NodeFiles, spec: PlaywrightSuite, *, account_id: UUID, node_version: str, inputs: tuple[str, ...]
) -> str:
    """The name of the install's result: see `suite_kind.Suite`. Blocking.

    :param inputs: the process that installs, and the tools that it uses.
    """
    digest = hashlib.sha256()
    parts = (_FORMAT, str(account_id), node_version, machine(), *inputs, spec.working_dir)
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
    yield from (file for file in (root / _REGISTRIES, *(root / _EMBEDDED).glob("*.tgz")) if file.is_file())
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "node_modules"]
        for name in names:
            file = Path(folder) / name
            if (name == "package.json" or name in _SETTINGS_FILES) and file.is_file():
                yield file
