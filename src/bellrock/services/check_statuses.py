"""How checks do now, read from their newest results; heartbeat monitors from their timers.

The status of a check is that of its newest session with a result, over all locations of that session. Where
some have not ended yet, what they found in the session before still counts. Runs of test sessions, attempts
that were tried again and cancelled runs change no status.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.check_status import CheckStatus, Finding, newest_of_locations, status_of_check
from bellrock.domain.errors import NotFound
from bellrock.services.platform import Platform
from bellrock.store import check_statuses as store
from bellrock.store.check_statuses import HeartbeatNow, NewestFinding
from bellrock.store.checks import load_check


async def list_statuses(platform: Platform, principal: Principal) -> tuple[CheckStatus, ...]:
    """The status of every check of the account that has one: of none that never ran. By name."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        return await statuses_of(connection, principal.account_id)


async def get_status(platform: Platform, principal: Principal, check_id: UUID) -> CheckStatus | None:
    """The status of one check, None for one that never ran. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        if await load_check(connection, principal.account_id, check_id) is None:
            raise NotFound(f"There is no check {check_id}.")
        found = await statuses_of(connection, principal.account_id, [check_id])
    return found[0] if found else None


async def statuses_of(
    connection: AsyncConnection, account_id: UUID, check_ids: Collection[UUID] | None = None
) -> tuple[CheckStatus, ...]:
    """The statuses of an account's checks, of all or of those named."""
    newest = await store.newest_findings(connection, account_id, check_ids)
    spread = [each for each in newest if len(each.locations) > 1]
    folded = {each.check_id: _status(each, [each.finding]) for each in newest}
    folded |= await _over_their_locations(connection, spread)
    pinged = await store.heartbeats_now(connection, account_id, check_ids)
    every = [*folded.values(), *(_status_of_heartbeat(each) for each in pinged)]
    return tuple(sorted(every, key=lambda status: (status.name, status.check_id)))


async def _over_their_locations(
    connection: AsyncConnection, spread: Sequence[NewestFinding]
) -> dict[UUID, CheckStatus]:
    still_open = [each for each in spread if each.is_open]
    before = await store.sessions_before(connection, still_open) if still_open else {}
    wanted = [*(each.session_id for each in spread), *before.values()]
    found = await store.findings_of_sessions(connection, wanted)
    statuses = {}
    for each in spread:
        earlier = found.get(before[each.check_id], []) if each.check_id in before else []
        still_theirs = [one for one in earlier if one.location in each.locations]
        findings = newest_of_locations(found.get(each.session_id, [each.finding]), still_theirs)
        statuses[each.check_id] = _status(each, findings)
    return statuses


def _status(newest: NewestFinding, findings: Sequence[Finding]) -> CheckStatus:
    return status_of_check(
        newest.check_id,
        newest.name,
        check_created_at=newest.check_created_at,
        findings=findings,
        ssl_days=newest.ssl_days,
    )


def _status_of_heartbeat(now: HeartbeatNow) -> CheckStatus:
    return CheckStatus(now.check_id, now.name, now.check_created_at, now.at, has_failures=now.failing)
