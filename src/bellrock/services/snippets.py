"""Snippets: scripts that many checks share. A check names one by its id and gets it as it is when it runs."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.snippets import Snippet
from bellrock.services.platform import Platform
from bellrock.store import snippets as store

log = structlog.get_logger(__name__)

_LONGEST_NAME = 255


async def create_snippet(platform: Platform, principal: Principal, *, name: str, script: str) -> Snippet:
    """Save a new snippet. Raises Invalid naming the field. Needs EDIT."""
    principal.must(Right.EDIT)
    _refuse_bad(name, script)
    async with platform.database.write() as connection:
        made = await store.insert_snippet(
            connection, principal.account_id, name=name, script=script, at=platform.clock()
        )
    log.info("snippet.created", snippet_id=made.id, by=str(principal.key_id))
    return made


async def update_snippet(
    platform: Platform, principal: Principal, snippet_id: int, *, name: str, script: str
) -> Snippet:
    """Replace a snippet. Raises NotFound, Invalid naming the field. Needs EDIT."""
    principal.must(Right.EDIT)
    _refuse_bad(name, script)
    async with platform.database.write() as connection:
        before = await _load(connection, principal, snippet_id)
        changed = replace(before, name=name, script=script, updated_at=platform.clock())
        await store.update_snippet(connection, changed)
    log.info("snippet.updated", snippet_id=snippet_id, by=str(principal.key_id))
    return changed


async def get_snippet(platform: Platform, principal: Principal, snippet_id: int) -> Snippet:
    """One snippet. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return await _load(connection, principal, snippet_id)


async def list_snippets(
    platform: Platform, principal: Principal, *, page: int = 1, limit: int = 10
) -> tuple[Snippet, ...]:
    """Snippets in the order they were made, ``limit`` per page from page 1."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.page_of_snippets(
            connection, principal.account_id, offset=(page - 1) * limit, limit=limit
        )
    return tuple(found)


async def delete_snippet(platform: Platform, principal: Principal, snippet_id: int) -> None:
    """Delete a snippet. Checks that still name it fail, and say so. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        if not await store.delete_snippet(connection, principal.account_id, snippet_id):
            raise _not_found(snippet_id)
    log.info("snippet.deleted", snippet_id=snippet_id, by=str(principal.key_id))


async def refuse_unknown_snippets(
    connection: AsyncConnection, account_id: UUID, named: Mapping[str, int | None], *, where: str = ""
) -> None:
    """Raise Invalid, naming ``where`` and the field, unless every snippet that a field names is there."""
    ids = {each for each in named.values() if each is not None}
    known = await store.load_snippets(connection, account_id, ids) if ids else {}
    for field, snippet_id in named.items():
        if snippet_id is not None and snippet_id not in known:
            raise Invalid(f"{where}{field}: there is no snippet {snippet_id}.")


async def _load(connection: AsyncConnection, principal: Principal, snippet_id: int) -> Snippet:
    found = await store.load_snippets(connection, principal.account_id, [snippet_id])
    if snippet_id not in found:
        raise _not_found(snippet_id)
    return found[snippet_id]


def _refuse_bad(name: str, script: str) -> None:
    if not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise Invalid(f"name: use 1 to {_LONGEST_NAME} characters.")
    if not script.strip():
        raise Invalid("script: a snippet needs some code.")


def _not_found(snippet_id: int) -> NotFound:
    return NotFound(f"There is no snippet {snippet_id}.")
