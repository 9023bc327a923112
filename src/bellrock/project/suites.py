"""What a Playwright suite's folder says about itself: config, package manager, versions, install inputs."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from bellrock.project.errors import ProjectError

CONFIG_NAMES = tuple(f"playwright.config.{suffix}" for suffix in ("ts", "js", "mts", "mjs", "cts", "cjs"))
LOCK_FILES = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
_VERSION_IN_TEXT = re.compile(r"@playwright/test@[^\n]*?[\n:]\s*(?:version:? )?[\"']?(\d+\.\d+\.\d+[\w.-]*)")
_PNPM_VERSION = re.compile(r"['\"]?@playwright/test@(\d+\.\d+\.\d+[\w.-]*)['\"]?:")
_INSTALL_INPUTS = (*LOCK_FILES, ".npmrc", ".yarnrc.yml", ".pnpmfile.cjs", "pnpm-workspace.yaml")


@dataclass(frozen=True, slots=True)
class LockFile:
    """The lock file of a suite and the package manager that wrote it."""

    path: Path
    manager: str


def find_config(root: Path, named: str | None) -> str:
    """The suite's Playwright config, relative to its root.

    Raises:
        ProjectError: the named config does not exist, or none can be found.
    """
    for name in (named,) if named is not None else CONFIG_NAMES:
        if (root / name).is_file():
            return Path(name).as_posix()
    if named is not None:
        raise ProjectError(f"{root} holds no Playwright config {named!r}.")
    raise ProjectError(f"{root} holds no Playwright config: looked for {', '.join(CONFIG_NAMES)}.")


def find_lock_file(root: Path) -> LockFile:
    """The suite's lock file, without which its dependencies could differ from run to run.

    Raises:
        ProjectError: there is none; the message names the package managers.
    """
    if not (root / "package.json").is_file():
        raise ProjectError(f"{root} holds no package.json: name the suite's folder with 'root'.")
    for name, manager in LOCK_FILES.items():
        if (root / name).is_file():
            return LockFile(root / name, manager)
    message = (
        f"{root} holds no lock file, so nobody could know which versions to install. Create it with your "
        "package manager: `npm install` (package-lock.json), `pnpm install` (pnpm-lock.yaml), "
        "`yarn install` (yarn.lock) or `bun install` (bun.lock)."
    )
    above = next((parent for parent in root.parents if any((parent / n).is_file() for n in LOCK_FILES)), None)
    if above is not None:
        message += f" The lock file of {above} is outside the suite's root."
    raise ProjectError(message)


def playwright_version(lock: LockFile) -> str | None:
    """The version of @playwright/test that the lock file pins, or None where it cannot be read."""
    if lock.path.suffix == ".lockb":
        return None
    text = lock.path.read_text(encoding="utf-8", errors="replace")
    if lock.manager == "npm":
        return _npm_version(text)
    match = (_PNPM_VERSION if lock.manager == "pnpm" else _VERSION_IN_TEXT).search(text)
    return match.group(1) if match else None


def _npm_version(text: str) -> str | None:
    try:
        packages = json.loads(text).get("packages", {})
        version = packages["node_modules/@playwright/test"]["version"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return str(version)


def cache_hash(root: Path, files: list[str]) -> str:
    """A digest of everything that decides what an install yields: equal digest, equal dependencies.

    Args:
        root: the suite's root.
        files: the packed files, relative to root.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        base = name.rpartition("/")[2]
        if base == "package.json":
            content = _canonical_json((root / name).read_bytes())
        elif base in _INSTALL_INPUTS:
            content = (root / name).read_bytes()
        else:
            continue
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _canonical_json(content: bytes) -> bytes:
    try:
        return json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode()
    except ValueError:
        return content
