"""The account a key acts in, and its keys (keys are our addition: the contract makes them elsewhere)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.base import Answer, Ask, Instant
from bellrock.api.v1.catalog import DEFAULT_RUNTIME
from bellrock.domain.access import KeyKind, Principal, Right, Role
from bellrock.domain.errors import NotFound
from bellrock.services import accounts

router = APIRouter(tags=["Accounts"])

PLAN, PLAN_NAME = "SELF_HOSTED", "Self-hosted"
"""There is one plan, and nobody pays for it."""


class Account(Answer):
    """The account a key acts in."""

    id: UUID
    name: str
    runtime_id: str = DEFAULT_RUNTIME
    plan: str = PLAN
    plan_display_name: str = PLAN_NAME
    features: tuple[str, ...] = ()


class Me(Answer):
    """Who a key is."""

    name: str
    role: Role


class KeyAsk(Ask):
    """A key to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: KeyKind = KeyKind.USER
    role: Role = Role.READ_WRITE


class KeyBody(Answer):
    """A key as it is listed: its first characters at most."""

    id: UUID
    name: str
    kind: KeyKind
    role: Role
    hint: str
    created_at: Instant


class NewKeyBody(KeyBody):
    """A key just made. ``secret`` is said this once."""

    secret: str


def _account(principal: Principal) -> Account:
    return Account(id=principal.account_id, name=principal.account_name)


def refuse_other_account(principal: Principal, account_id: UUID) -> None:
    """Raise NotFound unless it is the account that the key acts in."""
    if account_id != principal.account_id:
        raise NotFound("There is no such account.")


def _key(key: accounts.ApiKey) -> KeyBody:
    return KeyBody(
        id=key.id,
        name=key.name,
        kind=key.kind,
        role=key.role,
        hint=key.hint,
        created_at=key.created_at,
    )


@router.get("/v1/accounts")
@router.get("/next/accounts", include_in_schema=False)
async def list_accounts(caller: Caller) -> list[Account]:
    """The account the key acts in."""
    return [_account(caller)]


@router.get("/v1/accounts/me")
async def get_own_account(caller: Caller) -> Account:
    """The account the key acts in."""
    return _account(caller)


@router.get("/v1/accounts/{accountId}")
@router.get("/next/accounts/{accountId}", include_in_schema=False)
async def get_account(accountId: UUID, caller: Caller) -> Account:  # noqa: N803  (the contract's name)
    """An account, if it is the one the key acts in."""
    refuse_other_account(caller, accountId)
    return _account(caller)


@router.get("/next/users/me", include_in_schema=False)
async def get_me(caller: Caller) -> Me:
    """Who the key is."""
    return Me(name=caller.name, role=caller.role)


@router.get("/v1/api-keys")
async def list_keys(platform: PlatformOf, caller: Caller) -> list[KeyBody]:
    """All keys of the account."""
    return [_key(key) for key in await accounts.list_keys(platform, caller)]


@router.post("/v1/api-keys", status_code=201)
async def create_key(platform: PlatformOf, caller: Caller, body: KeyAsk) -> NewKeyBody:
    """Make a key, of at most one's own role."""
    caller.must(Right.ADMINISTER)
    new = await accounts.create_key(platform, caller, name=body.name, kind=body.kind, role=body.role)
    return NewKeyBody(**dict(_key(new.key)), secret=new.secret)


@router.delete("/v1/api-keys/{id}", status_code=204)
async def revoke_key(id: UUID, platform: PlatformOf, caller: Caller) -> Response:  # noqa: A002
    """Make a key useless, at once."""
    await accounts.revoke_key(platform, caller, id)
    return Response(status_code=204)
