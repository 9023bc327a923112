"""Files that ship with the package and run elsewhere: the live reporter that Playwright loads."""

from importlib.resources import files
from pathlib import Path


def live_reporter() -> Path:
    """The folder with the reporter's scripts; ``reporter.cjs`` is the one to load."""
    return Path(str(files(__name__)))
