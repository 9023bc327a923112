"""Which kind of suite a bundle holds, told by its test command and its files."""

from pathlib import Path

from bellrock.domain.specs import PlaywrightSuite
from bellrock.domain.test_commands import Program, parse_command
from bellrock.runner.executors.playwright import node_suites, python_suites
from bellrock.runner.executors.playwright.places import upwards, working_folder
from bellrock.runner.executors.playwright.suite_kind import Suite
from bellrock.runner.playwright.sandbox import Machine


def find_suite(root: Path, spec: PlaywrightSuite, machine: Machine) -> Suite:
    """The suite in an unpacked bundle. Blocking.

    :raises RunEnded: something it needs is missing; the outcome names what, and blames the check.
    """
    command = parse_command(spec.test_command)
    if command.program is Program.PYTEST or (command.program is None and _holds_python(root, spec)):
        return python_suites.PythonSuite.find(root, spec, command, machine)
    return node_suites.NodeSuite.find(root, spec, command, machine)


def _holds_python(root: Path, spec: PlaywrightSuite) -> bool:
    """A shell command says nothing about what it starts, so the nearest manifest does."""
    folder = working_folder(root, spec.working_dir)
    for place in upwards(folder, root):
        if any((place / name).is_file() for name in (*node_suites.LOCK_FILES, "package.json")):
            return False
        if any((place / name).is_file() for name in python_suites.MANIFESTS):
            return True
    return False
