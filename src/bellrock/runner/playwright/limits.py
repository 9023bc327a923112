"""The outcome of a process tree that hit one of its limits."""

from bellrock.domain.outcomes import Outcome
from bellrock.runner.playwright.failures import check_failed, runner_failed
from bellrock.runner.supervisor import Exit, ExitCause

_CODES = {
    ExitCause.OUT_OF_MEMORY: "MEMORY_LIMIT",
    ExitCause.TOO_MANY_PROCESSES: "PROCESS_LIMIT",
    ExitCause.DISK_FULL: "DISK_LIMIT",
    ExitCause.OUTPUT_LIMIT: "OUTPUT_LIMIT",
    ExitCause.TIMED_OUT: "TIMED_OUT",
}


def limit_outcome(ended: Exit, what: str) -> Outcome:
    """For an ``ended`` whose cause is a limit. The supervisor's detail names the limit's number."""
    code = _CODES.get(ended.cause)
    if code is None:
        return runner_failed("STOPPED_BY_RUNNER", f"The {what} was stopped by the runner.")
    return check_failed(code, ended.detail or f"The {what} went over a limit: {code}.")
