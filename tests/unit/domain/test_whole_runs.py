"""A run that is decided at its end is the run that `decide` would have made of its claim and its report."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.runs import Claimed, Reported, decide
from bellrock.domain.whole_runs import decide_whole
from tests.unit.domain.test_runs import LEASE_S, START, TOKEN, run_of

codes = st.sampled_from([None, "STATUS_CODE", "CONNECTION_REFUSED"])
outcomes = st.builds(
    Outcome,
    st.sampled_from(Verdict),
    st.none() | st.sampled_from(Blame),
    codes,
    st.none() | st.just("So it is."),
)
policies = st.builds(
    RetryPolicy,
    st.sampled_from(Backoff),
    base_backoff_s=st.sampled_from([0, 60]),
    max_retries=st.integers(0, 2),
    same_region=st.booleans(),
    only_on_network_error=st.booleans(),
    locations=st.sampled_from([(), ("us-east-1",)]),
)


@given(outcomes, st.none() | policies, st.floats(0, 60))
def test_a_whole_run_is_what_becomes_of_its_claim_and_its_report(
    outcome: Outcome, retry: RetryPolicy | None, took_s: float
) -> None:
    queued, at = run_of(retry=retry), START + timedelta(seconds=took_s)
    claimed, reported = Claimed(TOKEN, "runner-1", LEASE_S), Reported(TOKEN, outcome)
    running = decide(queued, claimed, at=queued.queued_at).run
    assert decide_whole(queued, claimed, reported, at=at) == decide(running, reported, at=at)
