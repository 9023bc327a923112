"""When a failed attempt is tried again, and after how long."""

from dataclasses import dataclass
from enum import StrEnum


class Backoff(StrEnum):
    """How the wait grows from attempt to attempt."""

    FIXED = "FIXED"
    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"
    SINGLE_RETRY = "SINGLE_RETRY"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A test session's retry strategy. Times in seconds; the budget includes run time."""

    backoff: Backoff
    base_backoff_s: float = 60
    max_retries: int = 2
    max_duration_s: float = 600
    same_region: bool = True


def wait_before_retry_s(policy: RetryPolicy, attempt: int, elapsed_s: float) -> float | None:
    """Seconds to wait after the failed attempt number ``attempt`` (from 1), or None to give up."""
    most = 1 if policy.backoff is Backoff.SINGLE_RETRY else policy.max_retries
    if attempt > most:
        return None
    wait_s = {
        Backoff.FIXED: policy.base_backoff_s,
        Backoff.SINGLE_RETRY: policy.base_backoff_s,
        Backoff.LINEAR: policy.base_backoff_s * attempt,
        Backoff.EXPONENTIAL: policy.base_backoff_s**attempt,
    }[policy.backoff]
    if policy.backoff is not Backoff.SINGLE_RETRY and elapsed_s + wait_s > policy.max_duration_s:
        return None
    return wait_s
