"""Jobs of monitors, as text: made once, and again where anything that they are made of says anything else.

To make a job and write it down takes longer than everything else that is done when a monitor's tick is
claimed, and from tick to tick it says the same.
"""

from collections.abc import Callable
from uuid import UUID

from bellrock.wire.messages import CheckJob

_MOST_KNOWN = 20_000
_OF_A_RUN = {"run_id", "session_id", "attempt", "attempt_id"}


class PreparedJobs:
    """The last job of each check at each location. None with secrets is kept: they are in clear in it."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, str], tuple[object, str]] = {}

    def text(self, check_id: UUID, location: str, made_of: object, make: Callable[[], CheckJob]) -> str:
        """The job of a check as JSON, without what is its run's. ``made_of``: all that decides it."""
        key = check_id, location
        known = self._known.get(key)
        if known is not None and known[0] == made_of:
            return known[1]
        job = make()
        text = job.model_dump_json(exclude=_OF_A_RUN)
        if job.has_secrets:
            self._known.pop(key, None)
            return text
        while len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[key] = made_of, text
        return text
