"""`bellrock trigger`: runs deployed checks at one location, as one test session."""

import os
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.cli.exits import FAILURE, OK
from bellrock.cli.jobs import ENVIRONMENT
from bellrock.cli.run_options import RunOptions, tag_groups
from bellrock.cli.run_session import RunStyle, conclude
from bellrock.client.api import connect
from bellrock.client.errors import ApiError
from bellrock.project.git import repo_info

TIMEOUT_S = 600.0
_NO_MATCH = "ERR_NO_MATCHING_CHECKS"


async def trigger(
    *,
    tags: Annotated[list[str] | None, Parameter(("--tags", "-t"), negative="")] = None,
    check_id: Annotated[list[UUID] | None, Parameter(negative="")] = None,
    fail_on_no_matching: bool = True,
    options: RunOptions = RunOptions(),  # noqa: B008  # frozen
) -> int:
    """Run deployed checks as one test session.

    Ctrl+C cancels the session and waits for its results; a second Ctrl+C leaves at once.

    Parameters
    ----------
    tags
        Only checks with these tags: a comma means AND, a repeated option OR, `!tag` not.
    check_id
        Only these checks; may be repeated.
    fail_on_no_matching
        Whether it is a failure that no check is meant.
    """
    options.check()
    request = {
        "name": options.session_name or "Triggered from the command line",
        "shouldRecord": options.record,
        "runLocation": options.run_location(),
        "checkRunSuiteId": str(uuid4()),
        "targetTags": [list(group) for group in tag_groups(tags)],
        "checkId": [str(one) for one in check_id or ()],
        "environmentVariables": options.variables(),
        "repoInfo": repo_info(Path.cwd()),
        "environment": os.environ.get(ENVIRONMENT),
        "testRetryStrategy": options.retry_strategy(),
        "refreshCache": options.refresh_cache,
    }
    async with connect(find_credentials().server) as client:
        try:
            started = await client.test_sessions.trigger(request)
        except ApiError as refusal:
            if refusal.code != _NO_MATCH:
                raise
            print(refusal.message)
            return FAILURE if fail_on_no_matching else OK
        return await conclude(client, started, options, RunStyle(TIMEOUT_S))
