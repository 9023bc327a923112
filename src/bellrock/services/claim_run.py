"""A runner asks for a run: it gets everything it needs, or the reason why not."""

from bellrock.domain.cancellation import RunSource
from bellrock.domain.groups import Prepared
from bellrock.domain.runs import Claimed, Refused, Run
from bellrock.services.environment import unseal
from bellrock.services.grouping import RunConfiguration, configured, load_configuration
from bellrock.services.ids import attempt_id
from bellrock.services.platform import Platform
from bellrock.services.work import advance, unit_of_work
from bellrock.store.records import RunMaterial
from bellrock.store.runs import load_job
from bellrock.wire.messages import ClaimReply, ClaimRequest, JobSpec

# Runs that a build pipeline or a command line started; the suite sees CI=1 as it would there.
_OF_A_COMMAND = frozenset(
    {
        RunSource.TEST_RECORD,
        RunSource.TEST_NO_RECORD,
        RunSource.TRIGGER_RECORD,
        RunSource.TRIGGER_NO_RECORD,
        RunSource.DEPLOYMENT,
    }
)


async def claim_run(platform: Platform, location: str, request: ClaimRequest) -> ClaimReply:
    """Give the queued run to the runner that asks, under its token. Asking twice is harmless.

    Refused with a reason: unknown run, another location's, taken, cancelled, final.
    """
    claimed = Claimed(request.token, request.runner_id, platform.settings.lease_s)
    async with unit_of_work(platform) as work:
        found = await load_job(work.connection, request.run_id)
        if found is None or found[0].run.location != location:
            return ClaimReply(granted=False, reason="there is no such run at this location")
        stored, material, sealed = found
        decision = await advance(work, request.run_id, claimed, stored=stored, stage="preparing")
        if decision is None or isinstance(decision.facts[0], Refused):
            return ClaimReply(granted=False, reason=_reason(decision.facts[0] if decision else None))
        added = await load_configuration(work.connection, platform.vault, decision.run, material.spec)
    own = unseal(platform.vault, sealed)
    complete = configured(platform.vault, added, material.spec, own)
    job = job_of(
        platform, stored.check_name, run=decision.run, material=material, complete=complete, added=added
    )
    return ClaimReply(granted=True, job=job)


def _reason(fact: object) -> str:
    return fact.reason if isinstance(fact, Refused) else "there is no such run"


def job_of(
    platform: Platform,
    check_name: str,
    *,
    run: Run,
    material: RunMaterial,
    complete: Prepared,
    added: RunConfiguration,
) -> JobSpec:
    """Everything that a runner needs for a run."""
    return JobSpec(
        run_id=run.id,
        session_id=run.session_id,
        account_id=run.account_id,
        attempt=run.attempt,
        attempt_id=attempt_id(run.id, run.attempt),
        check_id=run.check_id,
        check_name=check_name,
        location=run.location,
        spec=complete.spec,
        environment=complete.environment,
        setup_scripts=(*complete.setup_scripts, *material.setup_scripts),
        teardown_scripts=(*complete.teardown_scripts, *material.teardown_scripts),
        client_certificates=added.certificates,
        context=job_context(run, check_name),
        refresh_cache=material.refresh_cache,
        record=material.record,
        limits=platform.settings.limits,
        control_url=platform.settings.control_url,
    )


def job_context(run: Run, check_name: str) -> dict[str, str]:
    """The variables that the contract promises to every suite."""
    context = {
        "CHECKLY": "1",
        "CHECKLY_RUN_SOURCE": str(run.source),
        "ACCOUNT_ID": str(run.account_id),
        "CHECK_NAME": check_name,
        "CHECKLY_REGION": run.location,
    }
    if run.check_id is not None:
        context["CHECKLY_CHECK_ID"] = str(run.check_id)
    if run.source in _OF_A_COMMAND:
        context["CI"] = "1"
    return context
