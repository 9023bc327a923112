"""How a Python suite's packages are installed, and what the result depends on."""

import hashlib
import os
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.python_suites.suite import Manifest, PythonFiles
from bellrock.runner.playwright.browsers import machine
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES, VIRTUAL_ENVIRONMENT
from bellrock.runner.playwright.failures import RunEnded, check_failed

_FORMAT = "python-1"
_SETTINGS_FILES = frozenset(
    {*Manifest, "uv.toml", ".python-version", "setup.py", "setup.cfg"}
    | {"poetry.lock", "pdm.lock", "Pipfile", "Pipfile.lock"}
)
_INCLUDED_SUFFIXES = frozenset({".txt", ".in"})  # what a requirements file may include has any name
_LARGEST_INCLUDED_BYTES = 1024**2
_LOCAL_SOURCES = frozenset({"directory", "editable", "path"})
_LOCAL_REQUIREMENTS = ("-e", "--editable", ".", "/", "file:")


def install_argv(suite: PythonFiles, install_command: str, *, uv: Path) -> tuple[str, ...]:
    """The process that installs: the check's own command, or what the manifest asks for.

    The environment is made in one folder and used in others, so it is a relocatable one. The suite itself
    is not installed into it: its files are there anyway, and change more often than what it needs.
    """
    if install_command.strip():
        return ("/bin/sh", "-c", install_command)
    environment = os.path.relpath(suite.manifest.parent / VIRTUAL_ENVIRONMENT, suite.folder)
    make = [str(uv), "venv", "--clear", "--relocatable", environment]
    install = [str(uv), *_install_words(suite, environment)]
    return ("/bin/sh", "-c", f"{shlex.join(make)} && {shlex.join(install)}")


def install_key(
    suite: PythonFiles,
    spec: PlaywrightSuite,
    *,
    account_id: UUID,
    python_version: str,
    uv_version: str,
    argv: tuple[str, ...],
) -> str:
    """The name of the install's result: see `suite_kind.Suite`. Blocking."""
    digest = hashlib.sha256()
    for part in (_FORMAT, str(account_id), python_version, uv_version, machine(), *argv, spec.working_dir):
        digest.update(part.encode() + b"\0")
    if spec.cache_hash:
        digest.update(b"given\0" + spec.cache_hash.encode())
        return digest.hexdigest()[:40]
    for file in sorted(_install_inputs(suite)):
        digest.update(str(file.relative_to(suite.root)).encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:40]


def _install_words(suite: PythonFiles, environment: str) -> Sequence[str]:
    if suite.kind is Manifest.UV_LOCK:
        return ("sync", "--frozen", "--no-editable", "--no-install-project")
    file = os.path.relpath(suite.manifest, suite.folder)
    words = ["pip", "install", "--python", environment, "--requirements", file]
    if suite.kind is Manifest.PYPROJECT:
        # Nothing says which of them the tests are in.
        words.append("--all-extras")
        words += [f"--group={name}" for name in _groups(suite.manifest)]
    return words


def _groups(manifest: Path) -> Sequence[str]:
    groups = _toml(manifest).get("dependency-groups", {})
    return sorted(groups) if isinstance(groups, dict) else ()


def _install_inputs(suite: PythonFiles) -> Iterator[Path]:
    everything = _installs_local_packages(suite)
    for folder, folders, names in os.walk(suite.root):
        folders[:] = [name for name in folders if name not in (NODE_PACKAGES, VIRTUAL_ENVIRONMENT)]
        for name in names:
            file = Path(folder) / name
            if file.is_symlink() or not file.is_file():
                continue
            is_included = file.suffix in _INCLUDED_SUFFIXES and file.stat().st_size <= _LARGEST_INCLUDED_BYTES
            if everything or name in _SETTINGS_FILES or is_included:
                yield file


def _installs_local_packages(suite: PythonFiles) -> bool:
    """Whether code of the bundle itself ends up in the environment."""
    if suite.kind is Manifest.REQUIREMENTS:
        lines = suite.manifest.read_text(encoding="utf-8", errors="replace").splitlines()
        return any(line.strip().startswith(_LOCAL_REQUIREMENTS) or "file:" in line for line in lines)
    if suite.kind is Manifest.PYPROJECT:
        return b"file:" in suite.manifest.read_bytes() or b"tool.uv.sources" in suite.manifest.read_bytes()
    packages = _toml(suite.manifest).get("package", [])
    sources = [package.get("source", {}) for package in packages if isinstance(package, dict)]
    return any(name in _LOCAL_SOURCES and value != "." for one in sources for name, value in one.items())


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise RunEnded(check_failed("CONFIG_ERROR", f"{file.name} is not valid TOML: {error}.")) from error
