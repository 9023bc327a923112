"""A finished session, read again from the server: what every reporter's last words are made of."""

from dataclasses import dataclass

from bellrock.cli.board import outcome_word
from bellrock.client.models import Counts, Details, Receipt, ReportedTest, ResultDetail, Row, Session


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run's final result. ``detail`` is None where it could not be read, or the run has no end."""

    row: Row
    detail: ResultDetail | None

    @property
    def word(self) -> str:
        """How it ended, or "running"."""
        return outcome_word(self.row) if self.row.is_final else "running"

    @property
    def details(self) -> Details:
        """The details, empty where there are none."""
        return self.detail.details if self.detail else Details()

    @property
    def tests(self) -> tuple[ReportedTest, ...]:
        """How each test ended."""
        return self.details.test_list

    @property
    def counts(self) -> Counts | None:
        """Tests by how they ended."""
        of_row = self.row.progress.tests if self.row.progress else None
        return self.details.tests or of_row

    @property
    def receipt(self) -> Receipt | None:
        """The receipt of a cancelled run."""
        return self.detail.receipt if self.detail else None

    @property
    def duration_s(self) -> float:
        """Wall time, 0 where it never started."""
        if self.row.started_at is None or self.row.stopped_at is None:
            return 0.0
        return max(0.0, (self.row.stopped_at - self.row.started_at).total_seconds())

    @property
    def reason(self) -> str | None:
        """Why it failed, and whose fault it was; None for runs that did not fail."""
        if not self.row.has_failures:
            return None
        details = self.details
        text = details.message or next((error.message for error in details.errors if error.message), None)
        if text is None:
            return None
        return f"{text} (fault: {details.blame})" if details.blame else text


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A session with all its runs. ``complete`` is False where we stopped waiting before its end."""

    session: Session
    runs: tuple[RunReport, ...]
    complete: bool = True

    @property
    def has_failures(self) -> bool:
        """Whether anything failed: what decides the exit code. Cancelled is not failed."""
        return any(run.row.has_failures for run in self.runs)

    def count(self, word: str) -> int:
        """How many runs ended in this way."""
        return sum(run.word == word for run in self.runs)
