"""`bellrock import-checks`: writes deployed checks into a project file, with their scripts beside it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from cyclopts import Parameter

from bellrock.cli.credentials import find_credentials
from bellrock.cli.exits import FAILURE, OK
from bellrock.client.api import BellrockClient, connect
from bellrock.project.imports import Imported, import_checks
from bellrock.project.yaml_file import FILE_NAME, write_project_file

_PAGE = 100


async def import_deployed(
    ids: Annotated[list[UUID] | None, Parameter(name="CHECK_ID")] = None,
    /,
    *,
    project: Annotated[str, Parameter(("--project", "-p"))] = "imported",
    tag: Annotated[list[str] | None, Parameter(("--tag", "-t"), negative="")] = None,
    folder: Annotated[Path, Parameter(("--folder", "-o"))] = Path(),
) -> int:
    """Write deployed checks into a new bellrock.yaml: the given ones, those with a tag, or all.

    A deploy of that file makes new checks; it does not take the ones over that were read.

    Parameters
    ----------
    ids
        Checks to read.
    project
        The id of the project that the file describes.
    tag
        Only checks with this tag.
    folder
        Where the file goes. Nothing that is there is overwritten.
    """
    async with connect(find_credentials().server) as client:
        bodies = await _bodies(client, ids or (), tag or ())
    if not bodies:
        print("bellrock: there is no such check to import.", file=sys.stderr)
        return FAILURE
    imported = import_checks(bodies)
    paths = [folder / FILE_NAME, *(folder / name for name in imported.files)]
    if present := [str(path) for path in paths if path.exists()]:
        print(f"bellrock: {', '.join(present)} would be overwritten: use another --folder.", file=sys.stderr)
        return FAILURE
    _write(imported, folder, project=project)
    for note in imported.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{folder / FILE_NAME}: {len(imported.checks)} check{'s' if len(imported.checks) != 1 else ''}.")
    return OK


async def _bodies(client: BellrockClient, ids: Sequence[UUID], tags: Sequence[str]) -> list[dict[str, Any]]:
    if ids:
        return [await client.checks.body(each) for each in ids]
    bodies: list[dict[str, Any]] = []
    page = 1
    while found := await client.checks.bodies(page=page, limit=_PAGE, tags=tags):
        bodies += found
        page += 1
    return bodies


def _write(imported: Imported, folder: Path, *, project: str) -> None:
    for name, content in imported.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    write_project_file(folder / FILE_NAME, project_id=project, checks=imported.checks)
