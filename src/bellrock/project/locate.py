"""Finds the project a command is about: bellrock.yaml, bellrock_project.py, or a bare Playwright suite."""

from dataclasses import dataclass
from pathlib import Path

from bellrock.project.checks import PlaywrightCheck
from bellrock.project.errors import ProjectError
from bellrock.project.models import Project
from bellrock.project.python_file import FILE_NAME as PYTHON_FILE
from bellrock.project.python_file import run_project_file
from bellrock.project.suites import find_config
from bellrock.project.yaml_file import FILE_NAME as YAML_FILE
from bellrock.project.yaml_file import read_project_file


@dataclass(frozen=True, slots=True)
class LocatedProject:
    """A project and where it was found. Paths inside the project are relative to ``folder``."""

    project: Project
    folder: Path
    file: Path


def locate_project(folder: Path, *, file: Path | None = None) -> LocatedProject:
    """The project of a folder, or of the file given.

    Raises:
        ProjectError: there is none, there are two, or it is not valid.
    """
    if file is None:
        file = _project_file(folder)
    elif not file.is_file():
        raise ProjectError(f"There is no file {file}.")
    read = run_project_file if file.suffix == ".py" else read_project_file
    return LocatedProject(read(file), file.resolve().parent, file)


def locate_suite(folder: Path, *, config: str | None = None) -> LocatedProject:
    """A folder's Playwright suite as a project of one check, without any project file.

    Raises:
        ProjectError: the folder holds no Playwright config.
    """
    found = find_config(folder, config)
    logical_id = _logical_id(folder.resolve().name)
    check = PlaywrightCheck(config=found, name="Playwright Test")
    project = Project(
        id=logical_id, name=folder.resolve().name or "suite", checks={"playwright-check": check}
    )
    return LocatedProject(project, folder.resolve(), folder / found)


def _project_file(folder: Path) -> Path:
    found = [folder / name for name in (YAML_FILE, PYTHON_FILE) if (folder / name).is_file()]
    if len(found) > 1:
        message = f"{folder} holds both {YAML_FILE} and {PYTHON_FILE}: name one with --config."
        raise ProjectError(message)
    if not found:
        message = (
            f"{folder} holds neither {YAML_FILE} nor {PYTHON_FILE}: "
            "go to the project's folder, or name its file with --config."
        )
        raise ProjectError(message)
    return found[0]


def _logical_id(name: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name.lower())
    return words.strip("-") or "suite"
