"""The files of a script check, written into the run's folder: the script, its dependencies, the helpers."""

import shutil
from pathlib import Path

from bellrock.domain.specs import BrowserCheck, MultistepCheck
from bellrock.resources import script_kit
from bellrock.runner.executors.script.statements import as_test_file, is_test_file
from bellrock.runner.playwright.brought_files import inside, write_dependencies, write_text
from bellrock.runner.playwright.failures import RunEnded, check_failed

ScriptSpec = BrowserCheck | MultistepCheck

_DEFAULT_PATH = "script.spec.ts"
_SUFFIXES = (".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx")
_HELPERS = Path("node_modules/@checkly/playwright-helpers")
_BROWSER_FIXTURES = ("page", "context", "browser", "request")
_REQUEST_FIXTURES = ("request",)


def write_files(spec: ScriptSpec, title: str, folder: Path) -> Path:
    """Write everything the script needs. Blocking.

    :param title: what the one test of plain statements is called.
    :returns: the script's file.
    :raises RunEnded: a path or the script cannot be used; the outcome names the field, and blames the check.
    """
    if not spec.script.strip():
        raise RunEnded(check_failed("NO_SCRIPT", "script: is empty. Write a Playwright test, or statements."))
    path = spec.script_path or _DEFAULT_PATH
    script = folder / inside(path, "scriptPath")
    if script.suffix not in _SUFFIXES:
        allowed = ", ".join(_SUFFIXES)
        message = f"scriptPath: {path!r} is no file of JavaScript or TypeScript. Allowed are {allowed}."
        raise RunEnded(check_failed("BAD_PATH", message))
    write_dependencies(spec.dependencies, script, folder, field="dependencies")
    fixtures = _BROWSER_FIXTURES if isinstance(spec, BrowserCheck) else _REQUEST_FIXTURES
    text = spec.script if is_test_file(spec.script) else as_test_file(spec.script, title, fixtures)
    write_text(script, text, f"scriptPath: {path!r}")
    try:
        shutil.copytree(script_kit() / "helpers", folder / _HELPERS, dirs_exist_ok=True)
    except OSError as error:
        message = f"dependencies: one takes the place of the folder {_HELPERS}."
        raise RunEnded(check_failed("BAD_PATH", message)) from error
    return script
