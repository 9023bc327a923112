"""The ways a run ends before its tests could say anything, each with its code and whose fault it is."""

from bellrock.domain.outcomes import Blame, Outcome, Verdict

_LONGEST_MESSAGE = 2_000


class RunEnded(Exception):
    """Leaves the sequence of stages with the outcome the run has."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message or outcome.verdict)
        self.outcome = outcome


def check_failed(code: str, message: str) -> Outcome:
    """The check itself cannot work: its bundle, its commands, its limits."""
    return Outcome(Verdict.FAILED, Blame.CHECK, code, shortened(message))


def target_failed(code: str, message: str) -> Outcome:
    """The tests ran and found something."""
    return Outcome(Verdict.FAILED, Blame.TARGET, code, shortened(message))


def runner_failed(code: str, message: str) -> Outcome:
    """This runner could not do its part."""
    return Outcome(Verdict.ERRORED, Blame.RUNNER, code, shortened(message))


def shortened(message: str) -> str:
    """A message that fits a result row: its beginning."""
    clean = message.strip()
    return clean if len(clean) <= _LONGEST_MESSAGE else clean[:_LONGEST_MESSAGE] + "…"
