"""The id of a scheduling: sealed, and carrying its own answer.

The contract's run is scheduled in the background and its outcome asked for later. Ours is durable
before it answers, so there is nothing to remember: the id says what there is to say.
"""

from datetime import datetime

from bellrock.api.bodies.test_session_asks import Scheduling
from bellrock.domain.access import Principal
from bellrock.domain.errors import NotFound
from bellrock.services.platform import Platform
from bellrock.services.views import SessionView

_PURPOSE = "scheduling"


def seal_scheduling(platform: Platform, principal: Principal, view: SessionView, *, recorded: bool) -> str:
    """The id of this session's scheduling."""
    content = {
        "for": _PURPOSE,
        "account": str(principal.account_id),
        "session": str(view.session.id) if recorded else None,
        "checks": len(view.runs),
        "at": view.session.started_at.isoformat(),
    }
    return platform.vault.seal(content).rstrip("=")


def open_scheduling(platform: Platform, principal: Principal, scheduling_id: str) -> Scheduling:
    """How it ended. Raises NotFound for an id that is not ours, or of another account."""
    try:
        content = platform.vault.open(scheduling_id + "=" * (-len(scheduling_id) % 4))
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("for") != _PURPOSE:
        raise NotFound("There is no such scheduling.")
    if content["account"] != str(principal.account_id):
        raise NotFound("There is no such scheduling.")
    at = datetime.fromisoformat(content["at"]).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Scheduling(
        scheduling_id=scheduling_id,
        test_session_id=content["session"],
        status="SUCCEEDED",
        checks_total=content["checks"],
        error=None,
        created_at=at,
        started_at=at,
        ended_at=at,
    )
