"""Which jobs are made anew: those that say anything else, and those with secrets."""

from uuid import uuid4

from bellrock.domain.checks import EnvironmentVariable
from bellrock.services.prepared_jobs import PreparedJobs
from bellrock.wire.messages import CheckJob
from tests.unit.runner.agent_rig import a_job


def made_for(
    jobs: PreparedJobs, *ticks: tuple[str, object], variables: tuple[EnvironmentVariable, ...] = ()
) -> int:
    """How many jobs were made for these ticks of a check, each with its location and what decides its job."""
    made: list[CheckJob] = []

    def make() -> CheckJob:
        made.append(a_job(uuid4(), environment=variables))
        return made[-1]

    check_id = uuid4()
    for location, made_of in ticks:
        jobs.text(check_id, location, made_of, make)
    return len(made)


def test_a_check_that_takes_turns_has_one_job_at_each_location() -> None:
    assert made_for(PreparedJobs(), ("here", 1), ("there", 1), ("here", 1), ("there", 1)) == 2


def test_a_job_is_made_again_where_it_says_anything_else() -> None:
    assert made_for(PreparedJobs(), ("here", 1), ("here", 2), ("here", 2)) == 2


def test_a_job_with_variables_is_not_kept() -> None:
    variables = (EnvironmentVariable("PASSWORD", "hunter22", secret=True),)
    assert made_for(PreparedJobs(), ("here", 1), ("here", 1), variables=variables) == 2
