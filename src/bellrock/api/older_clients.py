"""Command lines before 8.18 (run), 8.10 (deploy) and 8.14 (destroy): the same requests, answered at once."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from bellrock.api.auth import EditCaller, PlatformOf, RunCaller
from bellrock.api.bodies.test_session_asks import RunTestSession, Started, started_fields
from bellrock.api.v1 import projects as v1
from bellrock.api.v1.projects import (
    DeployAsk,
    DeployOptions,
    DeployResult,
    DestroyOptions,
    deploy_result,
    deployed,
)
from bellrock.services import start_session

router = APIRouter(include_in_schema=False)


@router.post("/next/test-sessions/run", response_model_exclude_none=True)
async def run_test_session(platform: PlatformOf, caller: RunCaller, body: RunTestSession) -> Started:
    """Start a session of checks that are not deployed."""
    view = await start_session.run_test_session(platform, caller, body.request())
    return Started(**started_fields(view, recorded=body.should_record))


@router.post("/next-v2/projects/deploy")
async def deploy_project(
    platform: PlatformOf, caller: EditCaller, body: DeployAsk, options: Annotated[DeployOptions, Query()]
) -> DeployResult:
    """Deploy a project, or say what that would change."""
    return deploy_result(await deployed(platform, caller, body, options))


@router.delete("/next/projects/{logicalId}", status_code=204)
async def destroy_project(
    logicalId: str,  # noqa: N803  (the contract's name)
    platform: PlatformOf,
    caller: EditCaller,
    options: Annotated[DestroyOptions, Query()],
) -> Response:
    """Delete a project with all that it deployed, or detach that."""
    await v1.destroy_project(logicalId, platform, caller, options)
    return Response(status_code=204)
