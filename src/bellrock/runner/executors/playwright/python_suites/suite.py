"""What makes an unpacked bundle a suite of pytest, and where its parts are."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.places import upwards, working_folder
from bellrock.runner.playwright.dependency_store import VIRTUAL_ENVIRONMENT, Lease
from bellrock.runner.playwright.failures import RunEnded, check_failed


class Manifest(StrEnum):
    """What says which packages a suite needs, best first."""

    UV_LOCK = "uv.lock"
    REQUIREMENTS = "requirements.txt"
    PYPROJECT = "pyproject.toml"


MANIFESTS = tuple(map(str, Manifest))
_PINNED = (Manifest.UV_LOCK, Manifest.REQUIREMENTS)


@dataclass(frozen=True, slots=True)
class PythonFiles:
    """The files of an unpacked suite. ``folder`` is where its commands run, below ``root``, the bundle's.

    The virtual environment lies beside the manifest.
    """

    root: Path
    folder: Path
    manifest: Path

    @property
    def kind(self) -> Manifest:
        """Which manifest it is."""
        return Manifest(self.manifest.name)


def find_files(root: Path, spec: PlaywrightSuite) -> PythonFiles:
    """The suite in an unpacked bundle. Blocking.

    :raises RunEnded: something it needs is missing; the outcome names what, and blames the check.
    """
    folder = working_folder(root, spec.working_dir)
    if spec.pw_projects:
        message = "pwProjects: a suite of pytest has no Playwright projects. Choose tests by pwTags."
        raise RunEnded(check_failed("NO_PROJECTS", message))
    manifest = _nearest(folder, root, _PINNED) or _nearest(folder, root, tuple(Manifest))
    if manifest is None:
        names = ", ".join(MANIFESTS)
        message = f"The bundle has none of {names} in {spec.working_dir!r} or above it: add one."
        raise RunEnded(check_failed("NO_LOCK_FILE", message))
    return PythonFiles(root, folder, manifest)


def find_environment(suite: PythonFiles, lease: Lease) -> str:
    """The virtual environment, relative to the root.

    :raises RunEnded: there is none, or pytest or Playwright is not in it.
    """
    for place in upwards(suite.folder, suite.root):
        folder = (place.relative_to(suite.root) / VIRTUAL_ENVIRONMENT).as_posix()
        if folder in lease.folders:
            _require_packages(suite, lease.installed(folder))
            return folder
    message = f"The install made no {VIRTUAL_ENVIRONMENT} in the working folder or above it."
    raise RunEnded(check_failed("INSTALL_FAILED", message))


def find_cores(lease: Lease) -> tuple[Path, ...]:
    """Playwright's driver in each environment, which says which browser revision it wants."""
    found = (
        core
        for folder in lease.folders
        for core in lease.installed(folder).glob("lib/python3*/site-packages/playwright/driver/package")
    )
    return tuple(sorted(found))


def _nearest(folder: Path, root: Path, manifests: tuple[Manifest, ...]) -> Path | None:
    files = (place / name for place in upwards(folder, root) for name in manifests)
    return next((file for file in files if file.is_file()), None)


def _require_packages(suite: PythonFiles, environment: Path) -> None:
    wanted = {"pytest": "NO_PYTEST", "playwright": "NO_PLAYWRIGHT"}
    for package, code in wanted.items():
        if not any(environment.glob(f"lib/python3*/site-packages/{package}/__init__.py")):
            message = (
                f"After the install there is no {package} in {VIRTUAL_ENVIRONMENT}. "
                f"Does {suite.manifest.name} have pytest-playwright?"
            )
            raise RunEnded(check_failed(code, message))
