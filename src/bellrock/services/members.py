"""Members of an account. Nobody signs up here: who has a user key is a member, and the key is what they are.

Service keys are machines, and no members. Nobody is invited either: an administrator makes a key.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from bellrock.domain.access import KeyKind, Principal, Right, Role
from bellrock.domain.errors import Invalid, NotFound
from bellrock.services.accounts import refuse_change_of_owner, revoke_key
from bellrock.services.cursors import read_cursor, write_cursor
from bellrock.services.platform import Platform
from bellrock.store import accounts as store
from bellrock.store.accounts import StoredKey

log = structlog.get_logger(__name__)

_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Member:
    """Who has a user key. ``email`` leads nowhere: nobody tells us theirs, and clients want one."""

    id: UUID
    account_id: UUID
    name: str
    role: Role
    created_at: datetime
    updated_at: datetime

    @property
    def email(self) -> str:
        """An address that cannot exist, different for each member."""
        return f"{self.id}@members.invalid"


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Members, those who joined first first, and where the next page begins."""

    members: tuple[Member, ...]
    next_id: str | None


async def list_members(
    platform: Platform,
    principal: Principal,
    *,
    search: str = "",
    role: Role | None = None,
    limit: int = _MOST_PER_PAGE,
    next_id: str | None = None,
) -> MemberPage:
    """Members whose name holds ``search``, or whose address it is. Raises Invalid for a bad ``next_id``."""
    principal.must(Right.VIEW)
    after = read_cursor(next_id)
    async with platform.database.read() as connection:
        keys = await store.keys_of(connection, principal.account_id)
    word = search.strip().lower()
    meant = [
        each
        for each in (_member(key) for key in keys if key.kind is KeyKind.USER)
        if (role is None or each.role is role)
        and (word in each.name.lower() or word == each.email)
        and (after is None or (each.created_at, each.id) > after)
    ]
    shown = meant[:limit]
    more = len(meant) > len(shown)
    return MemberPage(tuple(shown), write_cursor(shown[-1].created_at, shown[-1].id) if more else None)


async def change_role(platform: Platform, principal: Principal, member_id: UUID, role: Role) -> Member:
    """Give a member another role, at once. Needs ADMINISTER.

    Raises NotFound; Invalid for OWNER, which only the making of a key can give; Conflict for the last OWNER.
    """
    principal.must(Right.ADMINISTER)
    if role is Role.OWNER:
        raise Invalid("role: nobody is made an OWNER like that. An OWNER can make a key with this role.")
    at = platform.clock()
    async with platform.database.write() as connection:
        keys = {key.id: key for key in await store.keys_of(connection, principal.account_id)}
        if member_id not in keys or keys[member_id].kind is not KeyKind.USER:
            raise _not_found(member_id)
        refuse_change_of_owner(principal, keys, member_id, what="change")
        await store.change_role(connection, member_id, role, at)
    log.info("member.role_changed", member_id=str(member_id), role=str(role), by=str(principal.key_id))
    before = _member(keys[member_id])
    return Member(before.id, before.account_id, before.name, role, before.created_at, updated_at=at)


async def remove_member(platform: Platform, principal: Principal, member_id: UUID) -> None:
    """Revoke a member's key. Raises NotFound; Conflict for the last OWNER. Needs ADMINISTER."""
    principal.must(Right.ADMINISTER)
    async with platform.database.read() as connection:
        keys = await store.keys_of(connection, principal.account_id)
    if not any(key.id == member_id and key.kind is KeyKind.USER for key in keys):
        raise _not_found(member_id)
    await revoke_key(platform, principal, member_id)


def _not_found(member_id: UUID) -> NotFound:
    return NotFound(f"There is no member {member_id}.")


def _member(key: StoredKey) -> Member:
    return Member(
        key.id,
        key.account_id,
        key.name,
        key.role,
        key.created_at,
        updated_at=key.updated_at or key.created_at,
    )
