"""What makes an unpacked bundle a suite that can be run, and where its parts are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bellrock.domain.specs import PlaywrightSuite
from bellrock.domain.test_commands import TestCommand
from bellrock.runner.executors.playwright.node_suites.command import named_config
from bellrock.runner.executors.playwright.places import upwards, working_folder
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES, Lease
from bellrock.runner.playwright.failures import RunEnded, check_failed

_CONFIG_SUFFIXES = (".ts", ".js", ".mts", ".mjs", ".cts", ".cjs")
_LARGEST_MANIFEST_BYTES = 5 * 1024**2
_PLAYWRIGHT_PACKAGES = ("@playwright/test", "playwright")


class PackageManager(StrEnum):
    """Who installs a suite's packages, told by the lock file."""

    NPM = "npm"
    PNPM = "pnpm"
    YARN = "yarn"
    BUN = "bun"


LOCK_FILES = {
    "package-lock.json": PackageManager.NPM,
    "npm-shrinkwrap.json": PackageManager.NPM,
    "pnpm-lock.yaml": PackageManager.PNPM,
    "yarn.lock": PackageManager.YARN,
    "bun.lock": PackageManager.BUN,
    "bun.lockb": PackageManager.BUN,
}


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The files of an unpacked suite. ``folder`` is where its commands run, below ``root``, the bundle's."""

    root: Path
    folder: Path
    lock_file: Path
    package_manager: PackageManager


def find_files(root: Path, spec: PlaywrightSuite, command: TestCommand) -> NodeFiles:
    """The suite in an unpacked bundle.

    :raises RunEnded: something it needs is missing; the outcome names what, and blames the check.
    """
    folder = working_folder(root, spec.working_dir)
    lock_file = next((file for place in upwards(folder, root) for file in _lock_files(place)), None)
    if lock_file is None:
        names = ", ".join(LOCK_FILES)
        message = f"The bundle has no lock file in {spec.working_dir!r} or above it. Add one of: {names}."
        raise RunEnded(check_failed("NO_LOCK_FILE", message))
    _require_playwright(folder, root, lock_file)
    _require_config(folder, command)
    return NodeFiles(root, folder, lock_file, LOCK_FILES[lock_file.name])


def find_playwright(suite: NodeFiles, lease: Lease) -> Path:
    """The script that is Playwright's command line, where the suite will see it.

    :raises RunEnded: the packages were installed, and Playwright is not among them.
    """
    for place in upwards(suite.folder, suite.root):
        folder = (place.relative_to(suite.root) / NODE_PACKAGES).as_posix()
        for package in _PLAYWRIGHT_PACKAGES:
            if folder in lease.folders and (lease.installed(folder) / package / "cli.js").is_file():
                return suite.root / folder / package / "cli.js"
    message = "After the install there is no @playwright/test in node_modules. Is it in package.json?"
    raise RunEnded(check_failed("NO_PLAYWRIGHT", message))


def find_cores(lease: Lease) -> tuple[Path, ...]:
    """Every playwright-core among the installed packages: each may want another browser revision."""
    patterns = (
        "playwright-core",
        "playwright/node_modules/playwright-core",
        "@playwright/test/node_modules/playwright-core",
        ".pnpm/playwright-core@*/node_modules/playwright-core",
        ".bun/playwright-core@*/node_modules/playwright-core",
    )
    places = [lease.installed(folder) for folder in lease.folders if Path(folder).name == NODE_PACKAGES]
    found = (core for place in places for pattern in patterns for core in place.glob(pattern))
    return tuple(sorted({core.resolve() for core in found}))


def _lock_files(place: Path) -> Iterator[Path]:
    return (place / name for name in LOCK_FILES if (place / name).is_file())


def _require_playwright(folder: Path, root: Path, lock_file: Path) -> None:
    manifests = [place / "package.json" for place in upwards(folder, root)]
    if any(_depends_on_playwright(file) for file in manifests):
        return
    if b"@playwright/test" in lock_file.read_bytes()[: _LARGEST_MANIFEST_BYTES * 4]:
        return
    message = "Neither package.json nor the lock file has @playwright/test: add it to devDependencies."
    raise RunEnded(check_failed("NO_PLAYWRIGHT", message))


def _depends_on_playwright(manifest: Path) -> bool:
    if not manifest.is_file() or manifest.stat().st_size > _LARGEST_MANIFEST_BYTES:
        return False
    try:
        content = json.loads(manifest.read_bytes())
    except ValueError as error:
        message = f"{manifest.name} is not valid JSON: {error}."
        raise RunEnded(check_failed("CONFIG_ERROR", message)) from error
    groups = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return isinstance(content, dict) and any(
        name in group
        for group in map(content.get, groups)
        if isinstance(group, dict)
        for name in _PLAYWRIGHT_PACKAGES
    )


def _require_config(folder: Path, command: TestCommand) -> None:
    """Only a plain command says which config it uses; what a shell command does is its own affair."""
    if not command.is_plain:
        return
    config = named_config(command)
    if config is not None:
        if not (folder / config).exists():
            message = f"The test command names the config {config!r}, which the bundle does not have."
            raise RunEnded(check_failed("NO_PLAYWRIGHT_CONFIG", message))
    elif not any((folder / f"playwright.config{suffix}").is_file() for suffix in _CONFIG_SUFFIXES):
        message = (
            "The bundle has no playwright.config.ts (or .js, .mts, .mjs, .cts, .cjs) in the working "
            "folder, and the test command names none with --config."
        )
        raise RunEnded(check_failed("NO_PLAYWRIGHT_CONFIG", message))
