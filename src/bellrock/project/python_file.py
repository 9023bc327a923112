"""Reads bellrock_project.py: runs it and takes the `project` it defines."""

import runpy
import sys
import traceback
from pathlib import Path

from bellrock.project.errors import Problem, ProjectError
from bellrock.project.models import Project

FILE_NAME = "bellrock_project.py"


def run_project_file(path: Path) -> Project:
    """The project that a bellrock_project.py defines.

    Raises:
        ProjectError: the file raised, or defines no `project`.
    """
    folder = str(path.parent)
    sys.path.insert(0, folder)
    try:
        names = runpy.run_path(str(path))
    except Exception as error:  # the file is the person's own program: whatever it raises is its mistake
        raise ProjectError.of(_problem(path, error)) from error
    finally:
        sys.path.remove(folder)
    project = names.get("project")
    if not isinstance(project, Project):
        raise ProjectError.of(Problem(path.name, None, "project", "must be a bellrock.project.Project"))
    return project


def _problem(path: Path, error: Exception) -> Problem:
    if isinstance(error, SyntaxError):
        return Problem(path.name, error.lineno, "", f"syntax error: {error.msg}")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    message = " ".join(str(error).split()) or type(error).__name__
    return Problem(path.name, lines[-1] if lines else None, "", message)
