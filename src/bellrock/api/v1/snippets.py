"""Snippets: scripts that many checks share."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask, SnakeCreated, SnakeUpdated
from bellrock.api.queries import Limit, NumericId, Page
from bellrock.domain import snippets as domain
from bellrock.services import snippets

router = APIRouter(prefix="/v1/snippets", tags=["Snippets"])


class SnippetAsk(Ask):
    """A snippet as it is saved."""

    name: Annotated[str, Field(min_length=1)]
    script: Annotated[str, Field(min_length=1)]


class SnippetBody(Answer):
    """A snippet."""

    id: int
    name: str
    script: str
    created_at: SnakeCreated
    updated_at: SnakeUpdated


def _body(snippet: domain.Snippet) -> SnippetBody:
    return SnippetBody(
        id=snippet.id,
        name=snippet.name,
        script=snippet.script,
        created_at=snippet.created_at,
        updated_at=snippet.updated_at,
    )


@router.get("")
async def list_snippets(
    platform: PlatformOf, caller: Caller, limit: Limit = 10, page: Page = 1
) -> list[SnippetBody]:
    """List snippets in the order they were made."""
    return [_body(each) for each in await snippets.list_snippets(platform, caller, page=page, limit=limit)]


@router.post("", status_code=201)
async def create_snippet(platform: PlatformOf, caller: EditCaller, body: SnippetAsk) -> SnippetBody:
    """Save a new snippet."""
    return _body(await snippets.create_snippet(platform, caller, name=body.name, script=body.script))


@router.get("/{id}")
async def get_snippet(
    id: NumericId,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
) -> SnippetBody:
    """One snippet."""
    return _body(await snippets.get_snippet(platform, caller, id))


@router.put("/{id}")
async def update_snippet(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: SnippetAsk,
) -> SnippetBody:
    """Replace a snippet."""
    return _body(await snippets.update_snippet(platform, caller, id, name=body.name, script=body.script))


@router.delete("/{id}", status_code=204)
async def delete_snippet(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a snippet. Checks that still name it fail, and say so."""
    await snippets.delete_snippet(platform, caller, id)
    return Response(status_code=204)
