"""Which programs a suite needs that may have to be fetched: its package manager and its engine."""

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.node_suites.suite import NodeFiles, PackageManager
from bellrock.runner.playwright.tools import Tool

_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_DECLARED = re.compile(
    r"(?P<name>pnpm|yarn|bun)@(?P<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)"
    r"(?:\+(?P<digest>sha(?:1|224|256|384|512)\.[0-9a-f]+))?"
)
_NODE_VERSION = re.compile(r"v?(?P<major>\d{1,3})(?:\.\d{1,3}){0,2}")
_BUN_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}")
_HEAD_BYTES = 4_096

# What wrote a lock file can read it; newer ones may not leave it as it is. By the format's first number.
_PNPM_BY_FORMAT = {b"5": "7", b"6": "8", b"9": "10"}
_YARN_BY_METADATA = {b"4": "2", b"5": "3", b"6": "3", b"8": "4", b"10": "4"}
_NEWEST_PNPM = "10"
_NEWEST_YARN = "4"
_YARN_1 = "1.22.22"
_BUN = "1.3"


def manager_tool(suite: NodeFiles, *, has_program: bool) -> Tool | None:
    """The suite's package manager: the one that package.json declares, or one that wrote such a lock file.

    None where npm installs, or where nothing is declared and the machine has the program.
    """
    manager = suite.package_manager
    if manager is PackageManager.NPM:
        return None
    declared = _declared(suite.root, manager)
    if declared is None and has_program and not is_yarn_2(suite):
        return None
    version, digest = declared or (_version_by_lock_file(suite), "")
    match manager:
        case PackageManager.PNPM:
            return Tool("pnpm", version, {"pnpm": "bin/pnpm.cjs", "pnpx": "bin/pnpx.cjs"}, digest)
        case PackageManager.YARN if version.startswith("1."):
            return Tool("yarn", version, {"yarn": "bin/yarn.js"}, digest)
        case PackageManager.YARN:
            # Declared digests of these are of another packing, which the npm registry does not have.
            return Tool("@yarnpkg/cli-dist", version, {"yarn": "bin/yarn.js"})
        case _:
            return _bun(version)


def engine_tool(spec: PlaywrightSuite, *, node_version: str) -> Tool | None:
    """The engine that a check asks for, unless it is what this machine has.

    A version of Node is met by any with the same major number.
    """
    version = spec.engine_version or ""
    if spec.engine == "bun":
        return _bun(version if _BUN_VERSION.fullmatch(version) else _BUN)
    wanted = _NODE_VERSION.fullmatch(version)
    if spec.engine != "node" or wanted is None or _major(node_version) == wanted["major"]:
        return None
    return Tool(f"node-linux-{_machine()}", version.removeprefix("v"), {"node": "bin/node"})


def is_yarn_2(suite: NodeFiles) -> bool:
    """Whether a later yarn than the first wrote the lock file."""
    return suite.package_manager is PackageManager.YARN and b"__metadata:" in _head(suite.lock_file)


def _declared(root: Path, manager: PackageManager) -> tuple[str, str] | None:
    """Version and digest of `packageManager` in package.json."""
    try:
        declared = json.loads((root / "package.json").read_bytes()).get("packageManager", "")
    except (OSError, ValueError, AttributeError):
        return None
    found = _DECLARED.fullmatch(str(declared))
    return (found["version"], found["digest"] or "") if found and found["name"] == manager else None


def _version_by_lock_file(suite: NodeFiles) -> str:
    head = _head(suite.lock_file)
    if suite.package_manager is PackageManager.PNPM:
        found = re.search(rb"^lockfileVersion: '?(\d+)", head, re.MULTILINE)
        return _PNPM_BY_FORMAT.get(found[1] if found else b"", _NEWEST_PNPM)
    if suite.package_manager is PackageManager.BUN:
        return _BUN
    if b"__metadata:" not in head:
        return _YARN_1
    found = re.search(rb"^  version: (\d+)", head, re.MULTILINE)
    return _YARN_BY_METADATA.get(found[1] if found else b"", _NEWEST_YARN)


def _bun(version: str) -> Tool:
    # The package `bun` itself downloads this one in an install script.
    machine = _machine().replace("arm64", "aarch64")
    return Tool(f"@oven/bun-linux-{machine}", version, {"bun": "bin/bun", "bunx": "bin/bun"})


def _major(node_version: str) -> str:
    found = _NODE_VERSION.match(node_version)
    return found["major"] if found else ""


def _machine() -> str:
    return _MACHINES.get(platform.machine().lower(), platform.machine())


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_HEAD_BYTES)


def tools_of(
    suite: NodeFiles, spec: PlaywrightSuite, *, node_version: str, has_program: bool
) -> Iterator[Tool]:
    """All of them, each once."""
    engine = engine_tool(spec, node_version=node_version)
    manager = manager_tool(suite, has_program=has_program)
    if engine is not None:
        yield engine
    if manager is not None and (engine is None or engine.package != manager.package):
        yield manager
