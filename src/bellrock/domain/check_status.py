"""How a check does now: a fold over what its newest runs found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bellrock.domain.outcomes import Outcome, Verdict


class StatusWord(StrEnum):
    """A status in one word. Failing beats degraded."""

    PASSING = "passing"
    DEGRADED = "degraded"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one run of a check found at one location: a FINAL result that nobody cancelled."""

    run_id: UUID
    attempt: int
    location: str
    verdict: Verdict
    response_time_ms: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """How a check does. ``findings`` are what it is folded of, the newest first; none for a heartbeat.

    ``ssl_days`` until its certificate expires, for SSL monitors.
    """

    check_id: UUID
    name: str
    check_created_at: datetime
    updated_at: datetime
    has_failures: bool = False
    has_errors: bool = False
    is_degraded: bool = False
    findings: tuple[Finding, ...] = ()
    ssl_days: float | None = None

    @property
    def word(self) -> StatusWord:
        """The status in one word."""
        if self.has_failures:
            return StatusWord.FAILING
        return StatusWord.DEGRADED if self.is_degraded else StatusWord.PASSING

    @property
    def times_ms(self) -> tuple[int, ...]:
        """How long those of the runs took that say so."""
        return tuple(each.response_time_ms for each in self.findings if each.response_time_ms is not None)


def newest_of_locations(session: Iterable[Finding], before: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """What the locations of a session found, and what those found ``before`` that have not ended in it yet.

    Else a check that fails in one of its places would pass for a moment, whenever another one is faster.
    """
    found = {each.location: each for each in before} | {each.location: each for each in session}
    return tuple(sorted(found.values(), key=lambda each: (each.created_at, each.run_id), reverse=True))


def status_of_check(
    check_id: UUID,
    name: str,
    *,
    check_created_at: datetime,
    findings: Sequence[Finding],
    ssl_days: float | None = None,
) -> CheckStatus:
    """Fold findings, of which there has to be one. One failing location makes a failing check."""
    outcomes = [Outcome(each.verdict) for each in findings]
    has_failures = any(each.has_failures for each in outcomes)
    return CheckStatus(
        check_id,
        name,
        check_created_at,
        updated_at=max(each.created_at for each in findings),
        has_failures=has_failures,
        has_errors=any(each.has_errors for each in outcomes),
        is_degraded=not has_failures and any(each.is_degraded for each in outcomes),
        findings=tuple(findings),
        ssl_days=ssl_days,
    )


def status_together(words: Iterable[StatusWord]) -> StatusWord | None:
    """The status of checks as a whole: as bad as the worst. None without any."""
    order = list(StatusWord)
    return max(words, key=order.index, default=None)
