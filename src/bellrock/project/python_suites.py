"""What the folder of a pytest suite says about itself: what it needs, and which Playwright that is."""

import re
from pathlib import Path

from bellrock.domain.test_commands import Program, parse_command
from bellrock.project.checks import PlaywrightCheck
from bellrock.project.errors import ProjectError
from bellrock.project.suites import LockFile

MANIFESTS = {"uv.lock": "uv", "requirements.txt": "pip", "pyproject.toml": "pip"}
_IN_UV_LOCK = re.compile(r'^name = "playwright"\nversion = "([^"]+)"', re.MULTILINE)
_IN_REQUIREMENTS = re.compile(r"^playwright\s*==\s*([^\s;\\]+)", re.MULTILINE | re.IGNORECASE)


def is_python(root: Path, check: PlaywrightCheck) -> bool:
    """Whether the suite is one of pytest: its test command says so, or under a shell, its files."""
    program = parse_command(check.test_command).program
    if program is not None:
        return program is Program.PYTEST
    return not (root / "package.json").exists() and any((root / name).is_file() for name in MANIFESTS)


def find_manifest(root: Path, check: PlaywrightCheck) -> LockFile:
    """What says which packages the suite needs.

    Raises:
        ProjectError: there is none, or the check asks for something that pytest does not have.
    """
    for field, asked in (("config", check.config), ("projects", check.projects)):
        if asked:
            raise ProjectError(f"{field}: a suite of pytest has no Playwright config and no projects.")
    for name, manager in MANIFESTS.items():
        if (root / name).is_file():
            return LockFile(root / name, manager)
    raise ProjectError(
        f"{root} holds none of {', '.join(MANIFESTS)}, so nobody could know what to install. Create one: "
        "`uv lock` (uv.lock) or `pip freeze > requirements.txt`."
    )


def playwright_version(manifest: LockFile) -> str | None:
    """The version of Playwright that is pinned, or None where none is."""
    text = manifest.path.read_text(encoding="utf-8", errors="replace")
    found = (_IN_UV_LOCK if manifest.manager == "uv" else _IN_REQUIREMENTS).search(text)
    return found.group(1) if found else None
