"""Variables of the account, which every run gets."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask
from bellrock.api.queries import Limit, Page
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.errors import Invalid
from bellrock.services import variables

router = APIRouter(prefix="/v1/variables", tags=["Environment variables"])

Key = Annotated[str, Path(min_length=1)]


class VariableAsk(Ask):
    """A variable to be made."""

    key: Annotated[str, Field(min_length=1)]
    value: str
    locked: bool = False
    secret: bool = False


class VariableChange(Ask):
    """A variable's new value. ``key`` may be repeated; ``secret`` can be set and not taken back."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str | None, Field(min_length=1)] = None
    value: Annotated[str, Field(min_length=1)]
    locked: bool = False
    secret: bool = False


class SavedVariable(Answer):
    """A variable just saved. The value of a secret one is empty."""

    key: str
    value: str
    locked: bool
    secret: bool


class Variable(Answer):
    """A variable. The value is null where it is secret, or locked for this reader."""

    key: str
    value: str | None
    locked: bool
    secret: bool


def _saved(shown: variables.ShownVariable) -> SavedVariable:
    return SavedVariable(key=shown.key, value=shown.value or "", locked=shown.locked, secret=shown.secret)


def _read(shown: variables.ShownVariable) -> Variable:
    return Variable(key=shown.key, value=shown.value, locked=shown.locked, secret=shown.secret)


@router.get("")
async def list_variables(
    platform: PlatformOf, caller: Caller, limit: Limit = 10, page: Page = 1
) -> list[Variable]:
    """List variables by key."""
    found = await variables.list_variables(platform, caller, page=page, limit=limit)
    return [_read(each) for each in found]


@router.post("", status_code=201)
async def create_variable(platform: PlatformOf, caller: EditCaller, body: VariableAsk) -> SavedVariable:
    """Save a new variable."""
    wanted = EnvironmentVariable(body.key, body.value, locked=body.locked, secret=body.secret)
    return _saved(await variables.create_variable(platform, caller, wanted))


@router.get("/{key}")
async def get_variable(key: Key, platform: PlatformOf, caller: Caller) -> Variable:
    """One variable."""
    return _read(await variables.get_variable(platform, caller, key))


@router.put("/{key}")
async def update_variable(
    key: Key, platform: PlatformOf, caller: EditCaller, body: VariableChange
) -> SavedVariable:
    """Replace a variable's value. A secret variable stays secret."""
    if body.key not in (None, key):
        raise Invalid("key (body): a variable keeps its key. Delete it and make another one.")
    wanted = EnvironmentVariable(key, body.value, locked=body.locked, secret=body.secret)
    return _saved(await variables.update_variable(platform, caller, wanted))


@router.delete("/{key}", status_code=204)
async def delete_variable(key: Key, platform: PlatformOf, caller: EditCaller) -> Response:
    """Delete a variable."""
    await variables.delete_variable(platform, caller, key)
    return Response(status_code=204)
