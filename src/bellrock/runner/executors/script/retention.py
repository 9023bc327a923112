"""What is kept of a script's run: recordings only where somebody is going to look at them."""

from dataclasses import dataclass

from bellrock.domain.cancellation import RunSource
from bellrock.domain.outcomes import Outcome
from bellrock.runner.playwright.artifacts import Candidate

# A person runs these to look at what happens; all other runs watch over something.
_ASKED_FOR = frozenset(
    {
        RunSource.EDITOR,
        RunSource.TEST_RECORD,
        RunSource.TEST_NO_RECORD,
        RunSource.TRIGGER_RECORD,
        RunSource.TRIGGER_NO_RECORD,
    }
)


@dataclass(frozen=True, slots=True)
class Retention:
    """Whether a person asked for the run. Traces and videos are kept then, or where the run failed."""

    asked_for: bool

    @classmethod
    def of(cls, source: str | None) -> "Retention":
        """For a run that ``source`` (the contract's `runSource`) started."""
        return cls(asked_for=source in _ASKED_FOR)

    @property
    def record(self) -> str:
        """Playwright's word for what to record."""
        return "on" if self.asked_for else "retain-on-failure"

    def keeps(self, candidate: Candidate, outcome: Outcome) -> bool:
        """Whether a file is kept. The HTML report holds the recordings, and goes with them."""
        if candidate.kind in ("trace", "video") or candidate.name.startswith("report/"):
            return self.asked_for or outcome.has_failures
        return True
