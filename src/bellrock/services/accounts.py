"""Accounts and their API keys: who a request acts for."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import KeyKind, Principal, Right, Role
from bellrock.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.store import accounts as store
from bellrock.store.accounts import StoredKey

log = structlog.get_logger(__name__)

_SHORTEST_KEY = 16
_LONGEST_NAME = 200
_HINT_CHARACTERS = 8


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

    A preset key that nobody has yet is added to the account, so that a restart with another key
    works. Without a preset key one is generated, only when the account is made. Raises Invalid for a
    preset key that is too short, Conflict for one of another account.
    """
    if api_key is not None and len(api_key) < _SHORTEST_KEY:
        raise Invalid(f"BELLROCK_API_KEY: use at least {_SHORTEST_KEY} characters.")
    async with platform.database.write() as connection:
        at = platform.clock()
        found = account_id or await store.first_account(connection)
        created = found is None or not await store.has_account(connection, found)
        owner = found or uuid4()
        if created:
            await store.insert_account(connection, owner, name="Bellrock", at=at)
            log.info("account.created", account_id=str(owner))
        secret = api_key or (_new_secret(KeyKind.USER) if created else None)
        if secret is not None:
            await _ensure_owner_key(connection, owner, secret, at)
    return FirstAccount(owner, secret, created)


async def authenticate(platform: Platform, key: str, account_id: UUID | None) -> Principal:
    """Who this key acts for. Raises Unauthenticated for an unknown key, Forbidden for another account."""
    async with platform.database.read() as connection:
        found = await store.find_key(connection, _hash(key))
    if found is None:
        raise Unauthenticated("This API key is not known.")
    stored, account_name = found
    if account_id is not None and account_id != stored.account_id:
        raise Forbidden(f"This API key has no access to the account {account_id}.", code="OTHER_ACCOUNT")
    return Principal(
        stored.account_id, account_name, stored.id, name=stored.name, kind=stored.kind, role=stored.role
    )


async def create_key(
    platform: Platform, principal: Principal, *, name: str, kind: KeyKind, role: Role
) -> NewKey:
    """Make a key of at most the caller's own role. Needs ADMINISTER. Raises Invalid for its name.

    A service key is a machine: it cannot be an OWNER.
    """
    principal.must(Right.ADMINISTER)
    if not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise Invalid(f"name: use 1 to {_LONGEST_NAME} characters.")
    if role is Role.OWNER and (kind is KeyKind.SERVICE or principal.role is not Role.OWNER):
        raise Invalid("role: OWNER is for user keys, and only an OWNER can make one.")
    secret = _new_secret(kind)
    stored = _stored(principal.account_id, secret, name=name.strip(), role=role, at=platform.clock())
    async with platform.database.write() as connection:
        await store.insert_key(connection, stored)
    log.info("key.created", key_id=str(stored.id), role=str(role), by=str(principal.key_id))
    return NewKey(_shown(stored), secret)


async def list_keys(platform: Platform, principal: Principal) -> tuple[ApiKey, ...]:
    """All keys of the account, oldest first. Needs ADMINISTER."""
    principal.must(Right.ADMINISTER)
    async with platform.database.read() as connection:
        return tuple(_shown(key) for key in await store.keys_of(connection, principal.account_id))


async def revoke_key(platform: Platform, principal: Principal, key_id: UUID) -> None:
    """Delete a key. Raises NotFound; Conflict for the last OWNER key. Needs ADMINISTER."""
    principal.must(Right.ADMINISTER)
    async with platform.database.write() as connection:
        keys = {key.id: key for key in await store.keys_of(connection, principal.account_id)}
        if key_id not in keys:
            raise NotFound(f"There is no API key {key_id}.")
        refuse_change_of_owner(principal, keys, key_id, what="revoke")
        await store.delete_key(connection, key_id)
    log.info("key.revoked", key_id=str(key_id), by=str(principal.key_id))


def refuse_change_of_owner(
    principal: Principal, keys: Mapping[UUID, StoredKey], key_id: UUID, *, what: str
) -> None:
    """Raise Conflict for the last OWNER key of the account, Forbidden for one that is above the caller."""
    owners = [key.id for key in keys.values() if key.role is Role.OWNER]
    if owners == [key_id]:
        raise Conflict(f"This is the last OWNER key: make another before you {what} it.")
    if keys[key_id].role is Role.OWNER and principal.role is not Role.OWNER:
        raise Forbidden(f"Only an OWNER can {what} the key of an OWNER.", code="ROLE_TOO_LOW")


async def _ensure_owner_key(connection: AsyncConnection, account_id: UUID, secret: str, at: datetime) -> None:
    found = await store.find_key(connection, _hash(secret))
    if found is None:
        key = _stored(account_id, secret, name="Owner", role=Role.OWNER, at=at)
        await store.insert_key(connection, key)
    elif found[0].account_id != account_id:
        raise Conflict("BELLROCK_API_KEY belongs to another account than BELLROCK_ACCOUNT_ID.")


def _stored(account_id: UUID, secret: str, *, name: str, role: Role, at: datetime) -> StoredKey:
    service = secret.startswith(KeyKind.SERVICE.prefix)
    return StoredKey(
        id=new_id(),
        account_id=account_id,
        name=name,
        kind=KeyKind.SERVICE if service else KeyKind.USER,
        role=role,
        hash=_hash(secret),
        hint=secret[:_HINT_CHARACTERS],
        created_at=at,
    )


def _hash(secret: str) -> bytes:
    # Keys are random and long: a slow password hash would protect nothing and cost every request.
    return hashlib.sha256(secret.encode()).digest()


def _new_secret(kind: KeyKind) -> str:
    return f"{kind.prefix}{secrets.token_hex(20)}"


def _shown(key: StoredKey) -> ApiKey:
    return ApiKey(key.id, key.name, key.kind, role=key.role, hint=key.hint, created_at=key.created_at)
