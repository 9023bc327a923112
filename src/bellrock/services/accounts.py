"""Accounts and their API keys: who a request acts for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bellrock.domain.access import KeyKind, Principal, Role
from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """The account of a fresh installation. ``api_key`` is None where only its hash is known."""

    account_id: UUID
    api_key: str | None
    created: bool


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed: never the key itself, only its first characters."""

    id: UUID
    name: str
    kind: KeyKind
    role: Role
    hint: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``secret`` is shown this once."""

    key: ApiKey
    secret: str


async def ensure_first_account(
    platform: Platform, *, account_id: UUID | None, api_key: str | None
) -> FirstAccount:
    """Make the first account with an OWNER key unless there is one; preset values are honoured.

    A preset key that the account does not have yet is added to it, so that a restart with another
    key works. Without a preset key one is generated, only when the account is made.
    """
    raise NotBuilt("accounts")


async def authenticate(platform: Platform, key: str, account_id: UUID | None) -> Principal:
    """Who this key acts for. Raises Unauthenticated for an unknown key or another account's id."""
    raise NotBuilt("accounts")


async def create_key(
    platform: Platform, principal: Principal, *, name: str, kind: KeyKind, role: Role
) -> NewKey:
    """Make a key of at most the caller's own role. Needs ADMINISTER."""
    raise NotBuilt("accounts")


async def list_keys(platform: Platform, principal: Principal) -> tuple[ApiKey, ...]:
    """All keys of the account, oldest first. Needs ADMINISTER."""
    raise NotBuilt("accounts")


async def revoke_key(platform: Platform, principal: Principal, key_id: UUID) -> None:
    """Delete a key. Raises NotFound; Conflict for the last OWNER key. Needs ADMINISTER."""
    raise NotBuilt("accounts")
