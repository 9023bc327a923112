"""Files that a check brings beside its script. Their paths are its own words, and not to be trusted.

The folder that they are written to is new, and holds no links.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from bellrock.domain.specs import Dependency
from bellrock.runner.playwright.failures import RunEnded, check_failed


def write_dependencies(dependencies: Iterable[Dependency], script: Path, folder: Path, *, field: str) -> None:
    """Write what lies beside a script; ``field`` names it in errors. Raises RunEnded, blaming the check."""
    for number, dependency in enumerate(dependencies):
        its_field = f"{field}[{number}].path"
        target = folder / inside(dependency.path, its_field)
        if target == script:
            message = f"{its_field}: {dependency.path!r} is the script's own path."
            raise RunEnded(check_failed("BAD_PATH", message))
        write_text(target, dependency.content, f"{its_field}: {dependency.path!r}")


def inside(text: str, field: str) -> PurePosixPath:
    """A path of the check, if it stays in its folder. Raises RunEnded otherwise."""
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in text:
        message = f"{field}: {text!r} leaves the check's folder. Allowed are relative paths without '..'."
        raise RunEnded(check_failed("BAD_PATH", message))
    return path


def write_text(target: Path, text: str, what: str) -> None:
    """Write one file. Raises RunEnded that says of ``what`` why not."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", errors="surrogatepass")
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror}."
        raise RunEnded(check_failed("BAD_PATH", message)) from error
