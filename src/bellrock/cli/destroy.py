"""`bellrock destroy`: deletes what a project deployed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.cli.deploy import ask, print_diff
from bellrock.cli.exits import OK
from bellrock.client.api import connect
from bellrock.project.locate import locate_project


async def destroy(
    *,
    config: Annotated[Path | None, Parameter(("--config", "-c"))] = None,
    preview: Annotated[bool, Parameter(("--preview", "-p"))] = False,
    force: Annotated[bool, Parameter(("--force", "-f"))] = False,
    preserve_resources: bool = False,
) -> int:
    """Delete the project and all that it deployed.

    Parameters
    ----------
    config
        The project file.
    preview
        Show what would be deleted, and delete nothing.
    force
        Do not ask. Without it, a destroy where nobody can answer (CI) ends with exit code 2.
    preserve_resources
        Keep the checks, without the project.
    """
    located = locate_project(Path.cwd(), file=config)
    async with connect(find_credentials().server) as client:
        planned = await client.projects.destroy(
            located.project.id, preserve_resources=preserve_resources, dry_run=True
        )
        print_diff(located, planned)
        if preview or not planned:
            return OK
        if not force and (refusal := ask("Destroy?", refusal="a destroy deletes what exists")) is not None:
            return refusal
        await client.projects.destroy(
            located.project.id, preserve_resources=preserve_resources, dry_run=False
        )
    print("Destroyed.")
    return OK
