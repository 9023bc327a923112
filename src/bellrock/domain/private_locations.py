"""Private locations: places of one account, whose runners show a key of theirs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bellrock.domain.errors import Invalid

MOST_KEYS = 2
"""So that a key can be replaced while the other one is still in use."""

_SLUG = re.compile(
    r"(?!((us(-gov)?|ap|ca|cn|eu|sa|af|me)-(central|(north|south)?(east|west)?)-\d+))[a-zA-Z0-9-]{1,30}"
)


@dataclass(frozen=True, slots=True)
class PrivateLocation:
    """A place of one account. Checks, runs and runners name it by its slug, which never changes."""

    id: UUID
    account_id: UUID
    name: str
    slug: str
    created_at: datetime
    icon: str = "location"
    proxy_url: str | None = None
    updated_at: datetime | None = None
    project_id: str | None = None
    logical_id: str | None = None


def refuse_bad_slug(slug: str, *, where: str = "") -> None:
    """Raise Invalid, naming ``where`` and the field, unless the slug may name a private location."""
    if not _SLUG.fullmatch(slug):
        raise Invalid(
            f"{where}slugName: use 1 to 30 letters, digits and '-', "
            "and nothing that begins like a public region."
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a run waited for a runner; ``until`` is None while it still does."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class QueueAt:
    """A queue at one moment: how many runs waited, and how long the first of them had waited, in seconds."""

    at: datetime
    size: int
    oldest_s: float


def queue_history(waits: Iterable[Wait], moments: Sequence[datetime]) -> tuple[QueueAt, ...]:
    """What the queue was like at each of the moments, which ascend."""
    coming = sorted(waits, key=lambda wait: wait.since, reverse=True)
    waiting: list[Wait] = []
    history = []
    for at in moments:
        while coming and coming[-1].since <= at:
            waiting.append(coming.pop())
        waiting = [wait for wait in waiting if wait.until is None or wait.until > at]
        oldest_s = (at - waiting[0].since).total_seconds() if waiting else 0.0
        history.append(QueueAt(at, len(waiting), oldest_s))
    return tuple(history)


def moments_between(start: datetime, end: datetime, *, most: int = 300) -> tuple[datetime, ...]:
    """Moments from start to end, whole minutes apart: every minute, or fewer so that there are ``most``."""
    minutes = int((end - start) / timedelta(minutes=1))
    step = max(1, -(-minutes // most))
    return tuple(start + timedelta(minutes=minute) for minute in range(0, minutes + 1, step))
