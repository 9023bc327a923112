"""What a session that is over must say, in words of the tests' own."""

from collections.abc import Iterable

from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.sessions import SessionKind

_WORST_FIRST = (
    Verdict.CANCELLED,
    Verdict.ERRORED,
    Verdict.FAILED,
    Verdict.LOST,
    Verdict.DEGRADED,
    Verdict.PASSED,
)
_IN_A_CHECK_SESSION = {Verdict.ERRORED: "FAILED", Verdict.LOST: "TIMED_OUT"}
_IN_A_TEST_SESSION = {Verdict.ERRORED: "FAILED", Verdict.LOST: "FAILED", Verdict.DEGRADED: "PASSED"}


def terminal_status(kind: SessionKind, outcomes: Iterable[Outcome | None]) -> str:
    """The status of a session whose runs all ended, with these outcomes."""
    verdicts = {outcome.verdict for outcome in outcomes if outcome is not None}
    worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
    words = _IN_A_CHECK_SESSION if kind is SessionKind.CHECK else _IN_A_TEST_SESSION
    return words.get(worst, str(worst))
