"""How a test command is read: as words for a program that is started directly, or as something for the shell.

Launchers such as `npx` swallow signals and live between the runner and the program, so a plain command is
started without them. Anything else runs under a shell, in the same sandbox, and cannot be asked politely
to stop.
"""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

# What the shell would act on, unless quoted. In double quotes it still acts on `$` and backticks.
_SHELL_CHARACTERS = frozenset("|&;<>()$`*?[~#\n")
_SHELL_IN_DOUBLE_QUOTES = frozenset("$`\\")

# What may stand between a package manager and `playwright`. Not `npm run`: that names a script.
_NODE_LAUNCHERS = {
    "npx": (),
    "bunx": (),
    "pnpx": (),
    "npm": ("exec", "x", "--"),
    "pnpm": ("exec", "dlx"),
    "yarn": ("exec", "run", "dlx"),
    "bun": ("x", "run"),
}
_NODE_LAUNCHER_FLAGS = frozenset(
    {"--no-install", "--yes", "-y", "--no", "--silent", "-s", "--offline", "--bun"}
)
_PLAYWRIGHTS = frozenset({"playwright", "@playwright/test", "node_modules/.bin/playwright"})

# Options of the platform's: the run's folder is its own, and nobody sits before a screen.
_TAKEN_OF_PLAYWRIGHT_WITH_VALUE = ("--trace", "--output", "--ui-host", "--ui-port")
_TAKEN_OF_PLAYWRIGHT = ("--headed", "--ui", "--debug")

_PYTHON_LAUNCHERS = frozenset({"uv", "poetry", "pdm", "pipenv"})
_PYTHON_LAUNCHER_FLAGS = frozenset({"--frozen", "--locked", "--no-sync", "--offline", "--quiet", "-q", "--"})
_PYTHONS = frozenset({"python", "python3"})
_PYTESTS = frozenset({"pytest", "py.test"})

_TAKEN_OF_PYTEST_WITH_VALUE = ("--tracing", "--output", "--playwright-debug")
_TAKEN_OF_PYTEST = ("--headed", "--pdb", "--trace")


class Program(StrEnum):
    """What runs the tests, as people call it."""

    PLAYWRIGHT = "Playwright"
    PYTEST = "pytest"


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A test command as it was understood. ``program`` and ``arguments`` are None under a shell.

    ``arguments`` follow the program's own name; ``left_out`` were there too, and are the runner's to decide.
    """

    __test__ = False

    text: str
    program: Program | None = None
    arguments: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the program can be started directly."""
        return self.arguments is not None


def parse_command(text: str) -> TestCommand:
    """Understand a test command. Never fails: what is not plain is for the shell."""
    words = _plain_words(text)
    understood = words and (_as_playwright(text, words) or _as_pytest(text, words))
    return understood or TestCommand(text)


def _plain_words(text: str) -> list[str] | None:
    """The words of a command that needs no shell; None where it does."""
    quote = ""
    for character in text:
        if quote:
            if character == quote:
                quote = ""
            elif quote == '"' and character in _SHELL_IN_DOUBLE_QUOTES:
                return None
        elif character in "'\"":
            quote = character
        elif character in _SHELL_CHARACTERS:
            return None
    try:
        return shlex.split(text)
    except ValueError:
        return None  # an open quote: the shell will say so


def _as_playwright(text: str, words: Sequence[str]) -> TestCommand | None:
    rest = _after_node_launcher(words)
    if not rest or rest[0].removeprefix("./") not in _PLAYWRIGHTS or list(rest[1:2]) != ["test"]:
        return None
    kept, left_out = _without_options(
        rest[2:], flags=_TAKEN_OF_PLAYWRIGHT, with_value=_TAKEN_OF_PLAYWRIGHT_WITH_VALUE
    )
    return TestCommand(text, Program.PLAYWRIGHT, kept, left_out)


def _after_node_launcher(words: Sequence[str]) -> Sequence[str]:
    if words[0] not in _NODE_LAUNCHERS:
        return words
    between = _NODE_LAUNCHERS[words[0]]
    rest = words[1:]
    while rest and (rest[0] in between or rest[0] in _NODE_LAUNCHER_FLAGS):
        rest = rest[1:]
    return rest


def _as_pytest(text: str, words: Sequence[str]) -> TestCommand | None:
    rest = _after_python(_after_python_launcher(words))
    if not rest or rest[0] not in _PYTESTS:
        return None
    kept, left_out = _without_options(
        rest[1:], flags=_TAKEN_OF_PYTEST, with_value=_TAKEN_OF_PYTEST_WITH_VALUE
    )
    return TestCommand(text, Program.PYTEST, kept, left_out)


def _after_python_launcher(words: Sequence[str]) -> Sequence[str]:
    if words[0] not in _PYTHON_LAUNCHERS or list(words[1:2]) != ["run"]:
        return _without_folder(words)
    rest = words[2:]
    while rest and rest[0] in _PYTHON_LAUNCHER_FLAGS:
        rest = rest[1:]
    return rest


def _without_folder(words: Sequence[str]) -> Sequence[str]:
    """`.venv/bin/pytest` is the pytest that runs anyway."""
    program = PurePosixPath(words[0])
    is_ours = program.parent == PurePosixPath(".venv/bin")
    return [program.name, *words[1:]] if is_ours else words


def _after_python(words: Sequence[str]) -> Sequence[str]:
    starts_module = len(words) > 2 and words[0] in _PYTHONS and words[1] == "-m"  # noqa: PLR2004
    return words[2:] if starts_module else words


def _without_options(
    words: Sequence[str], *, flags: Collection[str], with_value: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words without some options, and what was left out. What follows ``--`` is no option."""
    kept: list[str] = []
    left_out: list[str] = []
    value_follows = False
    for position, word in enumerate(words):
        if word == "--":
            return (*kept, *words[position:]), tuple(left_out)
        name = word.partition("=")[0]
        if value_follows:
            left_out.append(word)
            value_follows = False
        elif name in with_value:
            left_out.append(word)
            value_follows = "=" not in word
        elif name in flags:
            left_out.append(word)
        else:
            kept.append(word)
    return tuple(kept), tuple(left_out)
