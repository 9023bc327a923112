"""`bellrock pw-test -- …`: runs a folder's Playwright suite with Playwright's own arguments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.cli.jobs import Undeployed, run_request
from bellrock.cli.run_options import RunOptions
from bellrock.cli.run_session import RunStyle, conclude
from bellrock.client.api import connect
from bellrock.domain.errors import Invalid
from bellrock.project.checks import PlaywrightCheck
from bellrock.project.locate import LocatedProject, locate_project, locate_suite
from bellrock.project.python_file import FILE_NAME as PYTHON_FILE
from bellrock.project.yaml_file import FILE_NAME as YAML_FILE

TIMEOUT_S = 1_200.0
_REFUSED = {
    "--reporter": "choose how this command reports with its own --reporter, before `--`",
    "--headed": "a runner has no screen",
    "--ui": "a runner has no screen",
    "--debug": "a runner has no screen",
}


async def pw_test(
    *playwright: Annotated[str, Parameter(allow_leading_hyphen=True)],
    stream_logs: bool = True,
    install_command: Annotated[str | None, Parameter(("--install-command", "-i"))] = None,
    options: RunOptions = RunOptions(),  # noqa: B008  # frozen
) -> int:
    """Run this folder's Playwright suite; what follows `--` are Playwright's own arguments.

    The folder needs no project file. With one that holds a single suite, its variables and commands
    are used. Ctrl+C cancels the session and waits for its results; a second Ctrl+C leaves at once.

    Parameters
    ----------
    playwright
        Arguments of `playwright test`: files, --project, --grep and so on.
    stream_logs
        Print what the suite prints, instead of a line per test.
    install_command
        Shell words that install the dependencies, instead of what the lock file says.
    """
    options.check()
    rest, config = split_config(playwright)
    located = _suite(Path.cwd(), config)
    logical_id, check = next(iter(located.project.resolved_checks().items()))
    if not isinstance(check, PlaywrightCheck):
        raise Invalid(f"{located.file} holds no Playwright suite.")
    if install_command is not None:
        check = check.model_copy(update={"install_command": install_command})
    name = f"Playwright Test: {' '.join(rest)}" if rest else "Playwright Test"
    check = check.model_copy(update={"name": name})
    undeployed = Undeployed(located.project.id, located.folder, {logical_id: check}, name, tuple(rest))
    async with connect(find_credentials().server) as client:
        started = await client.test_sessions.run(await run_request(client, undeployed, options))
        return await conclude(client, started, options, RunStyle(TIMEOUT_S, stream_logs=stream_logs))


def split_config(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Playwright's arguments without its config, which the bundle needs to know. Raises Invalid."""
    rest: list[str] = []
    config: str | None = None
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if option in _REFUSED:
            raise Invalid(f"{option} cannot be handed to Playwright here: {_REFUSED[option]}.")
        if option in ("-c", "--config"):
            config = value if equals else next(words, None)
            if not config:
                raise Invalid(f"{option} needs a file.")
        else:
            rest.append(word)
    return rest, config


def _suite(folder: Path, config: str | None) -> LocatedProject:
    """The suite of a project file that holds exactly one, else the folder's own."""
    has_file = (folder / YAML_FILE).is_file() or (folder / PYTHON_FILE).is_file()
    if not has_file:
        return locate_suite(folder, config=config)
    located = locate_project(folder)
    suites = {
        logical_id: check
        for logical_id, check in located.project.resolved_checks().items()
        if isinstance(check, PlaywrightCheck)
    }
    if len(suites) != 1:
        return locate_suite(folder, config=config)
    # Playwright's arguments choose the tests here, not the check's own projects and tags.
    update: dict[str, object] = {"projects": (), "playwright_tags": ()}
    if config is not None:
        update["config"] = config
    only = {logical_id: check.model_copy(update=update) for logical_id, check in suites.items()}
    project = located.project.model_copy(update={"checks": only})
    return LocatedProject(project, located.folder, located.file)
