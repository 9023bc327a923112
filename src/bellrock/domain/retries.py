"""When a failed attempt is tried again, and after how long."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bellrock.domain.outcomes import Outcome


class Backoff(StrEnum):
    """How the wait grows from attempt to attempt."""

    FIXED = "FIXED"
    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"
    SINGLE_RETRY = "SINGLE_RETRY"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again. Times in seconds; the budget includes run time.

    ``locations`` are those that a run's retries take turns at; none in the policy of a check.
    """

    backoff: Backoff
    base_backoff_s: float = 60
    max_retries: int = 2
    max_duration_s: float = 600
    same_region: bool = True
    only_on_network_error: bool = False
    locations: tuple[str, ...] = ()


DOUBLE_CHECK = RetryPolicy(Backoff.FIXED, base_backoff_s=0, max_retries=1, same_region=False)
"""The older way to ask for retries: one, at once, at another location."""


def is_retried(policy: RetryPolicy, outcome: Outcome) -> bool:
    """Whether the policy is for this kind of failure."""
    return outcome.is_network_error or not policy.only_on_network_error


def policy_of_run(policy: RetryPolicy, location: str, locations: Sequence[str]) -> RetryPolicy:
    """A check's policy for its run at one location: retries elsewhere take turns at its other ones.

    A check that has one location is tried again there, whatever the policy says.
    """
    if policy.same_region or location not in locations:
        return policy
    place = locations.index(location)
    return replace(policy, locations=(*locations[place + 1 :], *locations[:place]))


def location_of_retry(policy: RetryPolicy, attempt: int, location: str) -> str:
    """Where a run at a location is tried again after the failed attempt number ``attempt`` (from 1)."""
    return policy.locations[(attempt - 1) % len(policy.locations)] if policy.locations else location


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
