"""`bellrock test`: runs a project's checks as they are in its folder, as one test session."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.cli.exits import OK
from bellrock.cli.jobs import Undeployed, run_request
from bellrock.cli.run_options import RunOptions, tag_groups
from bellrock.cli.run_session import RunStyle, conclude
from bellrock.client.api import connect
from bellrock.domain.errors import Invalid
from bellrock.expressions.tags import matches
from bellrock.project.checks import AnyCheck, PlaywrightCheck
from bellrock.project.locate import locate_project

Checks = Mapping[str, AnyCheck]

TIMEOUT_S = 600.0
PLAYWRIGHT_TIMEOUT_S = 1_200.0


async def run_tests(
    *filters: str,
    config: Annotated[Path | None, Parameter(("--config", "-c"))] = None,
    tags: Annotated[list[str] | None, Parameter(("--tags", "-t"), negative="")] = None,
    grep: Annotated[str | None, Parameter(("--grep", "-g"))] = None,
    list_only: Annotated[bool, Parameter("--list", negative="")] = False,
    options: RunOptions = RunOptions(),  # noqa: B008  # frozen
) -> int:
    """Run the project's checks without deploying them.

    Ctrl+C cancels the session and waits for its results; a second Ctrl+C leaves at once.

    Parameters
    ----------
    filters
        Ids of checks, or folders of their suites; `*` stands for anything.
    config
        The project file.
    tags
        Only checks with these tags: a comma means AND, a repeated option OR, `!tag` not.
    grep
        Only checks whose name this regular expression finds.
    list_only
        Say which checks are meant, and run nothing.
    """
    options.check()
    located = locate_project(Path.cwd(), file=config)
    checks = select(located.project.resolved_checks(), filters=filters, tags=tags, grep=grep)
    if list_only:
        for logical_id, check in checks.items():
            print(f"{logical_id}  {check.name or logical_id}")
        return OK
    undeployed = Undeployed(located.project.id, located.folder, checks, located.project.name)
    has_suite = any(isinstance(check, PlaywrightCheck) for check in checks.values())
    style = RunStyle(timeout_s=PLAYWRIGHT_TIMEOUT_S if has_suite else TIMEOUT_S)
    async with connect(find_credentials().server) as client:
        started = await client.test_sessions.run(await run_request(client, undeployed, options))
        return await conclude(client, started, options, style)


def select(checks: Checks, *, filters: tuple[str, ...], tags: list[str] | None, grep: str | None) -> Checks:
    """The checks meant; all conditions must hold. Raises Invalid where none is."""
    try:
        pattern = re.compile(grep or "")
    except re.error as error:
        raise Invalid(f"--grep is not a regular expression: {error}") from error
    groups = tag_groups(tags)
    chosen = {
        logical_id: check
        for logical_id, check in checks.items()
        if (not filters or any(_named(logical_id, check, wanted) for wanted in filters))
        and pattern.search(check.name or logical_id)
        and matches(groups, check.tags)
    }
    if not chosen:
        raise Invalid(f"No check of the project is meant. Its checks: {', '.join(checks)}.")
    return chosen


def _named(logical_id: str, check: AnyCheck, wanted: str) -> bool:
    root = check.root.rstrip("/") if isinstance(check, PlaywrightCheck) else ""
    return fnmatchcase(logical_id, wanted) or (bool(root) and fnmatchcase(root, wanted.rstrip("/")))
