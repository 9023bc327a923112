"""How a run can end, whose fault it was, and the flags the contract derives from that."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The one truth about a finished run."""

    PASSED = "PASSED"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"  # the target, or the check itself, did not do what the check asks
    ERRORED = "ERRORED"  # the runner or the platform could not find out
    LOST = "LOST"  # nobody took the run, or whoever took it vanished
    CANCELLED = "CANCELLED"  # a person stopped it


class Blame(StrEnum):
    """Whose fault a failure is. Only the target's fault says something about the target."""

    TARGET = "target"
    CHECK = "check"
    RUNNER = "runner"
    PLATFORM = "platform"


TOO_SLOW = "TOO_SLOW"
"""The code of a failure that is nothing but a response time over its maximum."""

NETWORK_CODES = frozenset(
    {
        "CANNOT_CONNECT",
        "CANNOT_RESOLVE",
        "CONNECTION_FAILED",
        "CONNECTION_LOST",
        "CONNECTION_REFUSED",
        "CONNECTION_RESET",
        "DNS_FAILED",
        "DNS_NOT_FOUND",
        "DNS_NO_ADDRESS",
        "EMPTY_RESPONSE",
        "INCOMPLETE_RESPONSE",
        "NO_ROUTE",
        "REQUEST_TIMED_OUT",
        "TIMED_OUT",
        "UNREACHABLE",
    }
)
"""Codes of failures on the way to a target: it did not say what is wrong, nor did it answer wrongly."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with its reason.

    ``code`` is a stable word for programs (``INSTALL_FAILED``), ``message`` a sentence for people.
    Both are None exactly when there is nothing to explain (passed, cancelled).
    """

    verdict: Verdict
    blame: Blame | None = None
    code: str | None = None
    message: str | None = None

    @property
    def has_failures(self) -> bool:
        """The contract's `hasFailures`: everything that is neither good nor cancelled."""
        return self.verdict in (Verdict.FAILED, Verdict.ERRORED, Verdict.LOST)

    @property
    def has_errors(self) -> bool:
        """The contract's `hasErrors`: the platform's side failed, not the target."""
        return self.verdict in (Verdict.ERRORED, Verdict.LOST)

    @property
    def is_network_error(self) -> bool:
        """The contract's `NETWORK_ERROR`: the target could not be reached, or fell silent."""
        return self.verdict is Verdict.FAILED and self.code in NETWORK_CODES

    @property
    def is_degraded(self) -> bool:
        """The contract's `isDegraded`."""
        return self.verdict is Verdict.DEGRADED

    @property
    def aborted(self) -> bool:
        """The contract's `aborted`: the run did not reach its own end, and nobody asked for that."""
        return self.has_errors

    @property
    def is_cancelled(self) -> bool:
        """The contract's `isCancelled`. Every other flag is false then: readers test those first."""
        return self.verdict is Verdict.CANCELLED


CANCELLED = Outcome(Verdict.CANCELLED)
