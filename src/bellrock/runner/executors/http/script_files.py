"""What a setup or teardown script consists of, and how it gets into its folder."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bellrock.domain.specs import ApiCheck, Dependency
from bellrock.runner.playwright.brought_files import inside, write_dependencies

FILES = "files"
"""The folder, below the script's own, that paths of scripts and of their dependencies start from."""
_TYPED = frozenset({".ts", ".mts", ".cts", ".tsx", ".jsx"})
# Where this is within a string or a comment, the script is compiled for nothing, and does the same.
_MODULE = re.compile(r"^[ \t]*(?:import\b(?!\s*[(.])|export\b)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script. One with a path is a file, and finds its dependencies beside itself.

    ``field`` is what the contract's names of its parts begin with.
    """

    code: str
    path: str | None = None
    dependencies: tuple[Dependency, ...] = ()
    field: str = "script"

    @property
    def is_compiled(self) -> bool:
        """Whether Node does not take it as it is: it is typed, or imports what it needs."""
        texts = [(self.path or "", self.code), *((each.path, each.content) for each in self.dependencies)]
        return any(PurePosixPath(path).suffix in _TYPED or _MODULE.search(code) for path, code in texts)

    def write_dependencies(self, folder: Path) -> None:
        """Write what lies beside it. Blocking. Raises RunEnded for a path that cannot be used."""
        files = folder / FILES
        script = files / inside(self.path, f"{self.field}Path") if self.path else files
        write_dependencies(self.dependencies, script, files, field=f"{self.field}Dependencies")


def setup_script(check: ApiCheck) -> Script:
    """The check's own setup script."""
    return Script(check.setup_script, check.setup_script_path, check.setup_dependencies, "setupScript")


def teardown_script(check: ApiCheck) -> Script:
    """The check's own teardown script."""
    return Script(
        check.teardown_script, check.teardown_script_path, check.teardown_dependencies, "tearDownScript"
    )
