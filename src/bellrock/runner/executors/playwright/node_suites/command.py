"""The process that a test command of Playwright Test becomes."""

import shlex
from pathlib import Path

from bellrock.domain.specs import PlaywrightSuite
from bellrock.domain.test_commands import TestCommand


def named_config(command: TestCommand) -> str | None:
    """The config file the command names."""
    words = iter(command.arguments or ())
    for word in words:
        if word in ("--config", "-c"):
            return next(words, None)
        if word.startswith("--config="):
            return word.removeprefix("--config=")
    return None


def playwright_argv(
    command: TestCommand, spec: PlaywrightSuite, *, node: str, script: Path, output: Path
) -> tuple[str, ...]:
    """The process of a plain command. Ours come first, since ``--`` may end the options."""
    ours = [*_updating(spec), "--trace", "on", "--output", str(output), *_selection(spec)]
    return (node, str(script), "test", *ours, *(command.arguments or ()))


def shell_argv(command: TestCommand, spec: PlaywrightSuite) -> tuple[str, ...]:
    """The process of any other command."""
    selection = "".join(f" {shlex.quote(word)}" for word in (*_updating(spec), *_selection(spec)))
    return ("/bin/sh", "-c", command.text + selection)


def _updating(spec: PlaywrightSuite) -> list[str]:
    # Never before a file's name, which newer versions would take for its value.
    return ["--update-snapshots"] if spec.update_snapshots else []


def _selection(spec: PlaywrightSuite) -> list[str]:
    # `--project=a`, not `--project a`: the latter would swallow a file name that follows.
    words = [f"--project={name}" for name in spec.pw_projects]
    if spec.pw_tags:
        words.append("--grep=" + "|".join(spec.pw_tags))
    return words
