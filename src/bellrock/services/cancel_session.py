"""A person stops a session, or some of its runs."""

from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.cancellation import Via
from bellrock.domain.errors import NotBuilt
from bellrock.domain.sessions import SessionKind
from bellrock.services.platform import Platform
from bellrock.services.views import CancelSummary


async def cancel_session(
    platform: Platform,
    principal: Principal,
    kind: SessionKind,
    *,
    session_id: UUID,
    sequence_ids: tuple[UUID, ...] | None,
    via: Via,
) -> CancelSummary:
    """Stop the runs meant: all that are in flight, or those named. Idempotent; durable once it returns.

    Ids that match no run are ignored. Raises, in this order: Forbidden (role), NotFound, Forbidden
    (a session that no person started). The edge checks key and body before. Needs RUN.
    """
    raise NotBuilt("cancel")
