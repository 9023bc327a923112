"""Files that ship with the package and run elsewhere: in Playwright, pytest, Node and pages under test."""

from importlib.resources import files
from pathlib import Path


def live_reporter() -> Path:
    """The folder with the reporter's scripts; ``reporter.cjs`` is the one to load."""
    return Path(str(files(__name__)))


def pytest_plugins() -> Path:
    """The folder with the live reporter for pytest, the module ``bellrock_pytest``; below the reporter's."""
    return live_reporter() / "pytest"


def script_kit() -> Path:
    """The folder with what scripts of browser and multistep checks run with, below the reporter's.

    ``playwright.config.cjs`` is their configuration, ``toolkit`` the lock file of their packages, ``helpers``
    a package of its own.
    """
    return live_reporter() / "scripts"


def checkly_preload() -> Path:
    """The script that Node loads before the `checkly` command, to lead its events here."""
    return live_reporter() / "checkly" / "events.cjs"


def registry_installer() -> Path:
    """The program that installs a suite's packages past the registries that its bundle names."""
    return live_reporter() / "registry" / "install.cjs"


def script_runner() -> Path:
    """The program that runs a setup or teardown script of an API check."""
    return live_reporter() / "script.cjs"
