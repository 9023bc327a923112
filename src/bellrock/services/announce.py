"""Whoever watches a session is told that it changed: waiters in this process, and every replica by the bus.

Nothing depends on it: a reader that hears nothing looks by itself, within about a second.
"""

from collections.abc import Sequence

import structlog

from bellrock.domain.runs import Announce
from bellrock.engine.port import BusError
from bellrock.services.platform import Platform
from bellrock.wire import subjects
from bellrock.wire.messages import Announcement

log = structlog.get_logger(__name__)


async def announce(platform: Platform, changes: Sequence[Announce]) -> None:
    """Tell about changes that are committed."""
    for session_id in {change.session_id for change in changes}:
        platform.live.wake(session_id)
    try:
        for change in changes:
            await platform.bus.publish(
                subjects.announce(change.account_id, change.session_id), _message(change).encode()
            )
    except BusError as error:
        log.info("announcements.lost", changes=len(changes), error=str(error))


def _message(change: Announce) -> Announcement:
    return Announcement(
        account_id=change.account_id,
        session_id=change.session_id,
        run_id=change.run_id,
        what=change.what,
    )
