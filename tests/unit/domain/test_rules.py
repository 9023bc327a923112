"""Small rules: who may cancel what, roles, flags of outcomes, waits before retries, tags."""

from uuid import UUID, uuid4

import pytest

from bellrock.domain.access import KeyKind, Principal, Right, Role
from bellrock.domain.cancellation import (
    RunSource,
    is_cancellable,
    refuse_unless_cancellable_session,
    targeted,
    why_not_cancellable,
)
from bellrock.domain.errors import Forbidden
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.retries import Backoff, RetryPolicy, is_retried, wait_before_retry_s
from bellrock.domain.specs import CheckType
from bellrock.expressions.tags import matches


@pytest.mark.parametrize("check_type", CheckType)
@pytest.mark.parametrize("source", RunSource)
def test_only_recorded_playwright_runs_that_a_person_started_can_be_cancelled(
    check_type: CheckType, source: RunSource
) -> None:
    not_a_persons = {RunSource.SCHEDULER, RunSource.DEPLOYMENT_CACHE_WARMER}
    unrecorded = {RunSource.TEST_NO_RECORD, RunSource.TRIGGER_NO_RECORD}
    expected = check_type is CheckType.PLAYWRIGHT and source not in not_a_persons | unrecorded
    assert is_cancellable(check_type, source) is expected
    assert (why_not_cancellable(check_type, source) is None) is expected


def test_a_session_of_the_scheduler_is_refused_by_name() -> None:
    with pytest.raises(Forbidden, match="SCHEDULER"):
        refuse_unless_cancellable_session(RunSource.SCHEDULER)
    refuse_unless_cancellable_session(RunSource.SCHEDULE_NOW)


def test_ids_that_match_nothing_are_ignored_and_repeated_ones_collapse() -> None:
    mine, yours, foreign = uuid4(), uuid4(), uuid4()
    assert targeted([mine, yours], [mine, mine, foreign]) == (frozenset([mine]), frozenset([foreign]))
    assert targeted([mine, yours], None) == (frozenset([mine, yours]), frozenset[UUID]())


RIGHTS = {
    Role.OWNER: set(Right),
    Role.ADMIN: set(Right),
    Role.READ_WRITE: {Right.VIEW, Right.RUN, Right.EDIT},
    Role.READ_RUN: {Right.VIEW, Right.RUN},
    Role.READ_ONLY: {Right.VIEW},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_carries_its_rights_and_no_others(role: Role) -> None:
    principal = Principal(uuid4(), "acme", uuid4(), "ana", KeyKind.USER, role)
    assert {right for right in Right if principal.may(right)} == RIGHTS[role]
    for right in set(Right) - RIGHTS[role]:
        with pytest.raises(Forbidden, match="needs the role"):
            principal.must(right)


@pytest.mark.parametrize(
    ("verdict", "flags"),
    [
        # hasFailures, hasErrors, isDegraded, aborted, isCancelled
        (Verdict.PASSED, (False, False, False, False, False)),
        (Verdict.DEGRADED, (False, False, True, False, False)),
        (Verdict.FAILED, (True, False, False, False, False)),
        (Verdict.ERRORED, (True, True, False, True, False)),
        (Verdict.LOST, (True, True, False, True, False)),
        (Verdict.CANCELLED, (False, False, False, False, True)),
    ],
)
def test_the_flags_of_a_result_follow_from_its_verdict(verdict: Verdict, flags: tuple[bool, ...]) -> None:
    outcome = Outcome(verdict, Blame.TARGET)
    assert flags == (
        outcome.has_failures,
        outcome.has_errors,
        outcome.is_degraded,
        outcome.aborted,
        outcome.is_cancelled,
    )


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (Backoff.FIXED, [5.0, 5.0, 5.0, None]),
        (Backoff.LINEAR, [5.0, 10.0, 15.0, None]),
        (Backoff.EXPONENTIAL, [5.0, 25.0, 125.0, None]),
        (Backoff.SINGLE_RETRY, [5.0, None, None, None]),
    ],
)
def test_the_wait_grows_as_the_strategy_says(backoff: Backoff, waits: list[float | None]) -> None:
    policy = RetryPolicy(backoff, base_backoff_s=5, max_retries=3)
    assert [wait_before_retry_s(policy, attempt, 0) for attempt in range(1, 5)] == waits


def test_no_attempt_follows_once_the_budget_is_spent() -> None:
    policy = RetryPolicy(Backoff.FIXED, base_backoff_s=60, max_retries=9, max_duration_s=600)
    assert wait_before_retry_s(policy, 1, elapsed_s=540) == 60
    assert wait_before_retry_s(policy, 1, elapsed_s=541) is None


@pytest.mark.parametrize(
    ("groups", "tags", "meant"),
    [
        ([], [], True),
        ([["a"]], ["a"], True),
        ([["a", "b"]], ["a"], False),
        ([["a", "b"], ["c"]], ["c"], True),
        ([["a", "!d"]], ["a", "d"], False),
        ([["a", "!d"]], ["a"], True),
        ([["a", "b"], ["a", "c", "!d"]], ["a", "c"], True),
    ],
)
def test_tags_are_and_within_a_group_or_between_groups_and_can_be_negated(
    groups: list[list[str]], tags: list[str], meant: bool
) -> None:
    assert matches(groups, tags) is meant


@pytest.mark.parametrize(
    ("outcome", "retried"),
    [
        (Outcome(Verdict.FAILED, Blame.TARGET, "CONNECTION_REFUSED", "No."), True),
        (Outcome(Verdict.FAILED, Blame.TARGET, "REQUEST_TIMED_OUT", "No."), True),
        (Outcome(Verdict.FAILED, Blame.TARGET, "STATUS_CODE", "500."), False),
        (Outcome(Verdict.FAILED, Blame.TARGET, "ASSERTION_FAILED", "No."), False),
        (Outcome(Verdict.ERRORED, Blame.RUNNER, "CONNECTION_REFUSED", "Ours."), False),
    ],
)
def test_a_policy_for_network_errors_retries_nothing_else(outcome: Outcome, *, retried: bool) -> None:
    policy = RetryPolicy(Backoff.FIXED, only_on_network_error=True)
    assert is_retried(policy, outcome) is retried
    assert is_retried(RetryPolicy(Backoff.FIXED), outcome)
