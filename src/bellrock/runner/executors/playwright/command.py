"""How a test command becomes a process: Playwright started directly where that is possible.

`npx` swallows signals and lives between us and Playwright, so a plain `npx playwright test …` is
started as `node …/cli.js test …`. Anything else runs under a shell, in the same sandbox, and
cannot be asked politely to stop.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from bellrock.domain.checks import PlaywrightSuite

# What may stand between a package manager and `playwright`. Not `npm run`: that names a script.
_LAUNCHERS = {
    "npx": (),
    "bunx": (),
    "pnpx": (),
    "npm": ("exec", "x", "--"),
    "pnpm": ("exec", "dlx"),
    "yarn": ("exec", "run", "dlx"),
    "bun": ("x", "run"),
}
_LAUNCHER_FLAGS = frozenset({"--no-install", "--yes", "-y", "--no", "--silent", "-s", "--offline", "--bun"})
_PROGRAMS = frozenset({"playwright", "@playwright/test", "node_modules/.bin/playwright"})

# What the shell would act on, unless quoted. In double quotes it still acts on `$` and backticks.
_SHELL_CHARACTERS = frozenset("|&;<>()$`*?[~#\n")
_SHELL_IN_DOUBLE_QUOTES = frozenset("$`\\")

# Options of the platform's: the run's folder is its own, and nobody sits before a screen.
_TAKEN_WITH_VALUE = ("--trace", "--output", "--ui-host", "--ui-port")
_TAKEN = ("--headed", "--ui", "--debug")


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A test command as it was understood. ``arguments`` follow `playwright test`; None under a shell."""

    __test__ = False

    text: str
    arguments: tuple[str, ...] | None
    left_out: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether Playwright can be started directly."""
        return self.arguments is not None

    @property
    def config(self) -> str | None:
        """The config file the command names."""
        words = iter(self.arguments or ())
        for word in words:
            if word in ("--config", "-c"):
                return next(words, None)
            if word.startswith("--config="):
                return word.removeprefix("--config=")
        return None


def parse_command(text: str) -> TestCommand:
    """Understand a test command. Never fails: what is not plain is for the shell."""
    words = _plain_words(text)
    rest = _after_launcher(words) if words else None
    if not rest or rest[0].removeprefix("./") not in _PROGRAMS or rest[1:2] != ["test"]:
        return TestCommand(text, None)
    kept, left_out = _without_taken(rest[2:])
    return TestCommand(text, tuple(kept), tuple(left_out))


def playwright_argv(
    command: TestCommand, spec: PlaywrightSuite, *, node: str, script: Path, output: Path
) -> tuple[str, ...]:
    """The process of a plain command. Ours come first, since ``--`` may end the options."""
    ours = ["--trace", "on", "--output", str(output), *_selection(spec)]
    return (node, str(script), "test", *ours, *(command.arguments or ()))


def shell_argv(command: TestCommand, spec: PlaywrightSuite) -> tuple[str, ...]:
    """The process of any other command."""
    selection = "".join(f" {shlex.quote(word)}" for word in _selection(spec))
    return ("/bin/sh", "-c", command.text + selection)


def _selection(spec: PlaywrightSuite) -> list[str]:
    # `--project=a`, not `--project a`: the latter would swallow a file name that follows.
    words = [f"--project={name}" for name in spec.pw_projects]
    if spec.pw_tags:
        words.append("--grep=" + "|".join(spec.pw_tags))
    return words


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


def _after_launcher(words: list[str]) -> list[str]:
    if words[0] not in _LAUNCHERS:
        return words
    between = _LAUNCHERS[words[0]]
    rest = words[1:]
    while rest and (rest[0] in between or rest[0] in _LAUNCHER_FLAGS):
        rest = rest[1:]
    return rest


def _without_taken(words: list[str]) -> tuple[list[str], list[str]]:
    kept: list[str] = []
    left_out: list[str] = []
    value_follows = False
    for position, word in enumerate(words):
        if word == "--":
            return kept + words[position:], left_out
        name = word.partition("=")[0]
        if value_follows:
            left_out.append(word)
            value_follows = False
        elif name in _TAKEN_WITH_VALUE:
            left_out.append(word)
            value_follows = "=" not in word
        elif name in _TAKEN:
            left_out.append(word)
        else:
            kept.append(word)
    return kept, left_out
