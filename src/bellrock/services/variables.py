"""Variables of an account: every run of its checks has them, unless its check or group says otherwise."""

import re
from dataclasses import dataclass, replace

import structlog

from bellrock.domain.access import Principal, Right
from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.errors import Conflict, Invalid, NotFound
from bellrock.services.platform import Platform
from bellrock.store import variables as store
from bellrock.store.variables import StoredVariable
from bellrock.store.vault import Vault

log = structlog.get_logger(__name__)

_LONGEST_KEY = 200
_NOT_IN_A_KEY = re.compile(r"[=/\s\x00]")


@dataclass(frozen=True, slots=True)
class ShownVariable:
    """A variable as its reader may see it. ``value`` is None where that is not allowed."""

    key: str
    value: str | None
    locked: bool
    secret: bool


async def create_variable(
    platform: Platform, principal: Principal, wanted: EnvironmentVariable
) -> ShownVariable:
    """Save a new variable. Raises Invalid naming the field, Conflict where the key is taken. Needs EDIT."""
    principal.must(Right.EDIT)
    if len(wanted.key) > _LONGEST_KEY or not wanted.key or _NOT_IN_A_KEY.search(wanted.key):
        raise Invalid(f"key: use 1 to {_LONGEST_KEY} characters without '=', '/' and spaces.")
    stored = StoredVariable(
        account_id=principal.account_id,
        key=wanted.key,
        sealed_value=platform.vault.seal(wanted.value),
        locked=wanted.locked,
        secret=wanted.secret,
        created_at=platform.clock(),
    )
    async with platform.database.write() as connection:
        if not await store.insert_variable(connection, stored):
            raise Conflict(f"key: there is a variable {wanted.key!r} already.")
    log.info("variable.created", key=wanted.key, by=str(principal.key_id))
    return _shown(platform.vault, stored, principal)


async def update_variable(
    platform: Platform, principal: Principal, wanted: EnvironmentVariable
) -> ShownVariable:
    """Replace the variable with this key. A secret one stays secret. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        account_id = principal.account_id
        before = await store.load_variable(connection, account_id, wanted.key, to_change=True)
        if before is None:
            raise _not_found(wanted.key)
        stored = replace(
            before,
            sealed_value=platform.vault.seal(wanted.value),
            locked=wanted.locked,
            secret=before.secret or wanted.secret,
            updated_at=platform.clock(),
        )
        await store.update_variable(connection, stored)
    log.info("variable.updated", key=wanted.key, by=str(principal.key_id))
    return _shown(platform.vault, stored, principal)


async def get_variable(platform: Platform, principal: Principal, key: str) -> ShownVariable:
    """One variable. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        stored = await store.load_variable(connection, principal.account_id, key)
    if stored is None:
        raise _not_found(key)
    return _shown(platform.vault, stored, principal)


async def list_variables(
    platform: Platform, principal: Principal, *, page: int = 1, limit: int = 10
) -> tuple[ShownVariable, ...]:
    """Variables by key, ``limit`` per page from page 1."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.page_of_variables(
            connection, principal.account_id, offset=(page - 1) * limit, limit=limit
        )
    return tuple(_shown(platform.vault, each, principal) for each in found)


async def delete_variable(platform: Platform, principal: Principal, key: str) -> None:
    """Delete a variable. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        if not await store.delete_variable(connection, principal.account_id, key):
            raise _not_found(key)
    log.info("variable.deleted", key=key, by=str(principal.key_id))


def in_clear(vault: Vault, stored: StoredVariable) -> EnvironmentVariable:
    """A variable with its value, for a run."""
    value = str(vault.open(stored.sealed_value))
    return EnvironmentVariable(stored.key, value, locked=stored.locked, secret=stored.secret)


def _shown(vault: Vault, stored: StoredVariable, reader: Principal) -> ShownVariable:
    hidden = stored.secret or (stored.locked and not reader.may(Right.EDIT))
    value = None if hidden else in_clear(vault, stored).value
    return ShownVariable(stored.key, value, locked=stored.locked, secret=stored.secret)


def _not_found(key: str) -> NotFound:
    return NotFound(f"There is no variable {key[:80]!r}.")
