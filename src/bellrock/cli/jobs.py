"""Builds the request that runs checks without deploying them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bellrock.cli.run_options import RunOptions
from bellrock.cli.uploads import upload_suites
from bellrock.client.api import BellrockClient
from bellrock.project.checks import AnyCheck, BrowserCheck, MultistepCheck, PlaywrightCheck
from bellrock.project.git import repo_info
from bellrock.project.payloads import Surroundings, check_payload, playwright_command

ENVIRONMENT = "BELLROCK_TEST_ENVIRONMENT"


@dataclass(frozen=True, slots=True)
class Undeployed:
    """Checks of a project that are to be run as they are in its folder.

    ``arguments`` are handed to Playwright by every suite.
    """

    project_id: str
    folder: Path
    checks: Mapping[str, AnyCheck]
    session_name: str
    arguments: tuple[str, ...] = ()


async def run_request(
    client: BellrockClient, undeployed: Undeployed, options: RunOptions
) -> dict[str, object]:
    """The request, its suites uploaded. Raises ProjectError, ClientError, Invalid."""
    variables = options.variables()
    suites = await upload_suites(client, undeployed.folder, undeployed.checks)
    around = Surroundings(undeployed.folder, os.environ)
    suite_id = str(uuid4())
    jobs: list[dict[str, object]] = []
    for logical_id, check in undeployed.checks.items():
        suite = suites.get(logical_id)
        job = check_payload(logical_id, check, suite=suite, around=around)
        if isinstance(check, PlaywrightCheck | BrowserCheck | MultistepCheck):
            job["environmentVariables"] = _merged(job["environmentVariables"], variables)
        elif variables:
            job["environmentVariables"] = variables
        if isinstance(check, PlaywrightCheck) and suite is not None:
            job["testCommand"] = playwright_command(
                check, suite.packed.config, arguments=undeployed.arguments
            )
        job |= {
            "logicalId": logical_id,
            "filePath": None,
            "testRetryStrategy": options.retry_strategy(),
            "sourceInfo": {"checkRunSuiteId": suite_id, "checkRunId": str(uuid4()), "updateSnapshots": False},
        }
        jobs.append(job)
    return {
        "name": options.session_name or undeployed.session_name,
        "project": {"logicalId": undeployed.project_id},
        "checkRunJobs": jobs,
        "sharedFiles": [],
        "runLocation": options.run_location(),
        "repoInfo": repo_info(undeployed.folder),
        "environment": os.environ.get(ENVIRONMENT),
        "shouldRecord": options.record,
        "streamLogs": True,
        "refreshCache": options.refresh_cache,
    }


def _merged(own: object, given: list[dict[str, object]]) -> list[dict[str, object]]:
    """The check's variables with those of the command line, which win."""
    by_key = {variable["key"]: variable for variable in own} if isinstance(own, list) else {}
    by_key.update({variable["key"]: variable for variable in given})
    return list(by_key.values())
