"""Triggers: addresses that start a check, or all checks of a group, for whoever knows their token."""

import hashlib
import secrets
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import KeyKind, Principal, Right, Role
from bellrock.domain.cancellation import RunSource
from bellrock.domain.errors import NotFound
from bellrock.domain.triggers import Subject, Trigger
from bellrock.services.platform import Platform
from bellrock.services.start_session import Target, trigger_check_sessions
from bellrock.services.views import SessionView
from bellrock.services.work import unit_of_work
from bellrock.store import triggers as store
from bellrock.store.checks import checks_of_group, load_check
from bellrock.store.groups import group_to_join
from bellrock.store.vault import Vault

log = structlog.get_logger(__name__)

_TOKEN_BYTES = 24
_NO_KEY = UUID(int=0)


async def get_trigger(platform: Platform, principal: Principal, subject: Subject) -> Trigger:
    """The trigger of a check or a group. Raises NotFound, also where it has none.

    Needs RUN, since the token is told.
    """
    principal.must(Right.RUN)
    async with platform.database.read() as connection:
        return await _load(platform, connection, principal, subject)


async def create_trigger(platform: Platform, principal: Principal, subject: Subject) -> Trigger:
    """Give a check or a group a trigger; one that it has already stays. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with unit_of_work(platform) as work:
        await _refuse_unknown(work.connection, principal, subject)
        known = await store.load_trigger(work.connection, subject, account_id=principal.account_id)
        if known is not None:
            return _in_clear(platform.vault, known)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await store.insert_trigger(
            work.connection,
            principal.account_id,
            subject,
            token_hash=_hash(token),
            sealed_token=platform.vault.seal(token),
            at=work.at,
        )
        made = await _load(platform, work.connection, principal, subject)
    log.info("trigger.created", trigger_id=made.id, by=str(principal.key_id))
    return made


async def delete_trigger(platform: Platform, principal: Principal, subject: Subject) -> None:
    """Take a trigger away: its token starts nothing any more. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        if not await store.delete_trigger(connection, principal.account_id, subject):
            raise _no_trigger(subject)
    log.info("trigger.deleted", subject=str(subject), by=str(principal.key_id))


async def find_trigger(platform: Platform, subject: Subject, token: str) -> Trigger:
    """The trigger that the token is for: the token is the permission. Raises NotFound."""
    async with platform.database.read() as connection:
        stored = await store.load_trigger(connection, subject, token_hash=_hash(token))
    if stored is None:
        raise _no_trigger(subject)
    return _in_clear(platform.vault, stored)


async def call_trigger(platform: Platform, trigger: Trigger) -> tuple[SessionView, ...]:
    """Start the check, or the group's checks, that are activated, at all their locations.

    Raises NotFound where nothing is activated.
    """
    async with unit_of_work(platform) as work:
        await store.note_call(work.connection, trigger.id, work.at)
        meant = await _checks_of(work.connection, trigger)
    if not meant:
        raise NotFound("The group has no check that could be started.")
    log.info("trigger.called", trigger_id=trigger.id, checks=len(meant))
    return await trigger_check_sessions(
        platform, _holder(trigger), target=Target(check_ids=meant), source=RunSource.LEGACY_TRIGGER
    )


async def _checks_of(connection: AsyncConnection, trigger: Trigger) -> tuple[UUID, ...]:
    if trigger.check_id is not None:
        return (trigger.check_id,)
    assert trigger.group_id is not None  # noqa: S101 - one of the two is set
    found = await checks_of_group(connection, trigger.account_id, trigger.group_id)
    return tuple(each.check.id for each in found)


def _holder(trigger: Trigger) -> Principal:
    """Whoever has the token: somebody who may run, and nothing else."""
    return Principal(
        account_id=trigger.account_id,
        account_name="",
        key_id=_NO_KEY,
        name=f"trigger {trigger.id}",
        kind=KeyKind.SERVICE,
        role=Role.READ_RUN,
    )


async def _load(
    platform: Platform, connection: AsyncConnection, principal: Principal, subject: Subject
) -> Trigger:
    found = await store.load_trigger(connection, subject, account_id=principal.account_id)
    if found is None:
        raise _no_trigger(subject)
    return _in_clear(platform.vault, found)


def _in_clear(vault: Vault, stored: store.StoredTrigger) -> Trigger:
    return Trigger(
        id=stored.id,
        account_id=stored.account_id,
        check_id=stored.check_id,
        group_id=stored.group_id,
        token=str(vault.open(stored.sealed_token)),
        created_at=stored.created_at,
        called_at=stored.called_at,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()  # random and long, as API keys are


async def _refuse_unknown(connection: AsyncConnection, principal: Principal, subject: Subject) -> None:
    if isinstance(subject, UUID):
        if await load_check(connection, principal.account_id, subject) is None:
            raise NotFound(f"There is no check {subject}.")
    elif await group_to_join(connection, principal.account_id, subject) is None:
        raise NotFound(f"There is no check group {subject}.")


def _no_trigger(subject: Subject) -> NotFound:
    what = "check" if isinstance(subject, UUID) else "check group"
    return NotFound(f"There is no such trigger of the {what} {subject}.")
