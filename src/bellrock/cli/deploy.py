"""`bellrock deploy`: shows what would change, asks, and makes the server hold what the project says."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.cli.exits import CONFIRMATION_NEEDED, FAILURE, OK
from bellrock.cli.uploads import upload_suites
from bellrock.client.api import BellrockClient, connect
from bellrock.client.models import Change, Deployment, DeployResult
from bellrock.project.git import repo_info
from bellrock.project.locate import LocatedProject, locate_project
from bellrock.project.payloads import Surroundings, check_payload

_SIGNS = {"CREATE": "+", "UPDATE": "~", "DELETE": "-", "DETACHED": "↦"}
_WORDS = {"CREATE": "create", "UPDATE": "update", "DELETE": "delete", "DETACHED": "detach"}


async def deploy(
    *,
    config: Annotated[Path | None, Parameter(("--config", "-c"))] = None,
    preview: Annotated[bool, Parameter(("--preview", "-p"))] = False,
    force: Annotated[bool, Parameter(("--force", "-f"))] = False,
    schedule_on_deploy: bool = True,
    preserve_resources: bool = False,
) -> int:
    """Make the server hold exactly what the project says; checks it no longer names are deleted.

    Parameters
    ----------
    config
        The project file.
    preview
        Show what would change, and change nothing.
    force
        Do not ask. Without it, a deploy where nobody can answer (CI) ends with exit code 2.
    schedule_on_deploy
        Start a first check session of every suite that was created or changed.
    preserve_resources
        Keep checks that the project no longer names, without the project.
    """
    located = locate_project(Path.cwd(), file=config)
    async with connect(find_credentials().server) as client:
        request = await _request(client, located)
        change = await client.projects.preview(request, preserve_resources=preserve_resources)
        print_diff(located, change.diff)
        if preview:
            return OK
        if not force and (refusal := _confirm(change)) is not None:
            return refusal
        begun = await client.projects.deploy(
            request, schedule_on_deploy=schedule_on_deploy, preserve_resources=preserve_resources
        )
        done = await client.projects.completion(located.project.id, begun.id)
        return await _report(client, done)


async def _request(client: BellrockClient, located: LocatedProject) -> dict[str, object]:
    checks = located.project.resolved_checks()
    suites = await upload_suites(client, located.folder, checks)
    info = repo_info(located.folder)
    around = Surroundings(located.folder, os.environ)
    resources = [
        {
            "logicalId": logical_id,
            "type": "check",
            "member": True,
            "payload": check_payload(logical_id, check, suite=suites.get(logical_id), around=around),
        }
        for logical_id, check in checks.items()
    ]
    project = {
        "logicalId": located.project.id,
        "name": located.project.name,
        "repoUrl": (info or {}).get("repoUrl"),
    }
    return {"project": project, "sharedFiles": [], "resources": resources, "repoInfo": info}


def print_diff(located: LocatedProject, diff: Sequence[Change]) -> None:
    """Say what changes, a line each."""
    print(f"Project {located.project.name} ({located.project.id})")
    names = {logical_id: check.name for logical_id, check in located.project.checks.items()}
    for change in diff:
        print(_line(change, names.get(change.logical_id)))
    if not diff:
        print("  nothing changes")


def _line(change: Change, name: str | None) -> str:
    called = f"  {name}" if name and name != change.logical_id else ""
    word = _WORDS.get(change.action, change.action.lower())
    note = f"  ({change.note})" if change.note and change.action in ("CREATE", "UPDATE") else ""
    return f"  {_SIGNS.get(change.action, '?')} {word} {change.type} {change.logical_id}{called}{note}"


def _confirm(result: DeployResult) -> int | None:
    """None to go on, else the exit code."""
    if not any(change.action in ("DELETE", "DETACHED", "UPDATE") for change in result.diff):
        return None
    return ask("Deploy?", refusal="this deploy changes what exists")


def ask(question: str, *, refusal: str) -> int | None:
    """Ask the person. None to go on, else the exit code; ``refusal`` is said where nobody can answer."""
    if os.environ.get("CI") or not sys.stdin.isatty():
        print(f"bellrock: {refusal}; confirm it with --force.", file=sys.stderr)
        return CONFIRMATION_NEEDED
    return None if input(f"{question} [y/N] ").strip().lower() in ("y", "yes") else OK


async def _report(client: BellrockClient, done: Deployment) -> int:
    if done.status != "SUCCEEDED" or done.result is None:
        message = done.error.message if done.error else f"The deploy ended {done.status}."
        print(f"bellrock: {message}", file=sys.stderr)
        return FAILURE
    print("Deployed.")
    for session_id in done.result.session_ids:
        session = await client.check_sessions.get(session_id)
        print(f"First session of {session.name}: {session.link}")
    return OK
