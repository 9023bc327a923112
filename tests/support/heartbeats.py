"""Heartbeat monitors, made by the service as the API would."""

from uuid import uuid4

from bellrock.domain.access import Principal
from bellrock.domain.checks import Check
from bellrock.domain.specs import CheckType, Heartbeat
from bellrock.services.checks import CheckDraft, create_check
from bellrock.services.platform import Platform

PERIOD_S, GRACE_S = 60, 10


def draft_of_monitor(
    token: str | None = None, *, period_s: int = PERIOD_S, activated: bool = True
) -> CheckDraft:
    """A monitor that expects a ping every minute, within ten seconds."""
    spec = Heartbeat(period_s, "seconds", GRACE_S, "seconds", token or str(uuid4()))
    return CheckDraft(type=CheckType.HEARTBEAT, name="Nightly backup", spec=spec, activated=activated)


async def create_monitor(
    platform: Platform, principal: Principal, token: str | None = None, *, activated: bool = True
) -> tuple[Check, str]:
    """A new monitor, and the token to ping it with."""
    check = await create_check(platform, principal, draft_of_monitor(token, activated=activated))
    assert isinstance(check.spec, Heartbeat)
    return check, check.spec.ping_token
