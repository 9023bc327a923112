"""The files of a script check, written into the run's folder: the script, its dependencies, the helpers.

Paths are the check's own words and not to be trusted; the folder is new, and holds no links.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from bellrock.domain.specs import BrowserCheck, Dependency, MultistepCheck
from bellrock.resources import script_kit
from bellrock.runner.executors.script.statements import as_test_file, is_test_file
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
    _write_dependencies(spec.dependencies, script, folder)
    fixtures = _BROWSER_FIXTURES if isinstance(spec, BrowserCheck) else _REQUEST_FIXTURES
    text = spec.script if is_test_file(spec.script) else as_test_file(spec.script, title, fixtures)
    _write(script, text, f"scriptPath: {path!r}")
    try:
        shutil.copytree(script_kit() / "helpers", folder / _HELPERS, dirs_exist_ok=True)
    except OSError as error:
        message = f"dependencies: one takes the place of the folder {_HELPERS}."
        raise RunEnded(check_failed("BAD_PATH", message)) from error
    return script


def _write_dependencies(dependencies: Iterable[Dependency], script: Path, folder: Path) -> None:
    for number, dependency in enumerate(dependencies):
        field = f"dependencies[{number}].path"
        target = folder / inside(dependency.path, field)
        if target == script:
            message = f"{field}: {dependency.path!r} is the script's own path."
            raise RunEnded(check_failed("BAD_PATH", message))
        _write(target, dependency.content, f"{field}: {dependency.path!r}")


def inside(text: str, field: str) -> PurePosixPath:
    """A path of the check, if it stays in its folder. Raises RunEnded otherwise."""
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in text:
        message = f"{field}: {text!r} leaves the check's folder. Allowed are relative paths without '..'."
        raise RunEnded(check_failed("BAD_PATH", message))
    return path


def _write(target: Path, text: str, what: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", errors="surrogatepass")
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror}."
        raise RunEnded(check_failed("BAD_PATH", message)) from error
