"""Python on this machine: what installs and runs Python suites, and what a sandbox must show of it."""

import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from uv import find_uv_bin

from bellrock.runner.supervisor import Mount


@dataclass(frozen=True, slots=True)
class PythonTools:
    """``python`` is the first that an install looks at, and ``search_path`` PATH inside."""

    python: Path
    uv: Path
    uv_version: str
    search_path: str
    mounts: tuple[Mount, ...]


def find_python_tools(search_path: str) -> PythonTools:
    """The machine's Python, else the runner's own; and uv, which comes with the runner.

    The runner's own is there in any case: a suite may ask for the version that only it has.
    """
    prefix = Path(sys.base_prefix)
    own = prefix / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = Path(shutil.which("python3", path=search_path) or own)
    uv = Path(find_uv_bin()).absolute()
    places = (search_path, str(own.parent), str(uv.parent))
    mounts = (Mount(uv),) if prefix.is_relative_to("/usr") else (Mount(uv), Mount(prefix))
    return PythonTools(python, uv, version("uv"), ":".join(dict.fromkeys(places)), mounts)
