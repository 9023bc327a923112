"""What a runner may do over HTTP, with the token of its claim and nothing else."""

import httpx2
import pytest

from bellrock.domain.specs import PlaywrightSuite
from tests.support.api_client import EU, Api, bundle, unknown_id
from tests.support.plain_http import TRUSTS_NOBODY
from tests.support.scripted_runner import HeldByScript, Refused, ScriptedRunner


async def held_run(api: Api, runner: ScriptedRunner) -> HeldByScript:
    """A run in the scripted runner's hands."""
    _, rows = await api.started_suite(EU)
    return await runner.claim(rows[EU]["sequenceId"], EU)


async def test_a_runner_fetches_the_bundle_of_the_run_it_holds(api: Api, runner: ScriptedRunner) -> None:
    held = await held_run(api, runner)
    assert isinstance(held.job.spec, PlaywrightSuite)
    headers = {"Authorization": f"Bearer {held.token}", "X-Bellrock-Run": str(held.run_id)}
    async with httpx2.AsyncClient(base_url=api.server.url, verify=TRUSTS_NOBODY) as http:
        answer = await http.get(f"/runner/v1/bundles/{held.job.spec.bundle_key}", headers=headers)
        other = await http.get("/runner/v1/bundles/somebody-elses", headers=headers)
    assert (answer.status_code, len(answer.content)) == (200, len(bundle()))
    assert other.status_code == 404


async def test_only_the_claims_token_opens_the_runners_side(
    api: Api, nobody: Api, runner: ScriptedRunner
) -> None:
    held = await held_run(api, runner)
    assert isinstance(held.job.spec, PlaywrightSuite)
    assert api.account is not None
    bundle_path = f"/runner/v1/bundles/{held.job.spec.bundle_key}"
    artifact_path = f"/runner/v1/runs/{held.run_id}/artifacts/a.log"
    for token in ("-", "nonsense", unknown_id(), api.account.key):
        headers = {"X-Bellrock-Run": str(held.run_id), "Authorization": f"Bearer {token}"}
        assert (await nobody.request("GET", bundle_path, headers=headers)).status_code == 401
        answer = await nobody.request("PUT", artifact_path, headers=headers, content=b"x")
        assert answer.status_code == 401


async def test_a_claims_token_opens_no_part_of_the_public_api(api: Api, runner: ScriptedRunner) -> None:
    held = await held_run(api, runner)
    headers = {"Authorization": f"Bearer {held.token}"}
    assert (await api.request("GET", "/v1/checks", headers=headers)).status_code == 401


@pytest.mark.parametrize("name", ["../escape", "a/../../b", "a\\..\\b", "."])
async def test_a_file_with_an_unsafe_name_is_refused(api: Api, runner: ScriptedRunner, name: str) -> None:
    held = await held_run(api, runner)
    quoted = name.replace("/", "%2F").replace(".", "%2E").replace("\\", "%5C")
    with pytest.raises(Refused):
        await held.upload(quoted, b"x")


async def test_a_file_of_a_run_that_ended_otherwise_is_refused(api: Api, runner: ScriptedRunner) -> None:
    """R5: who is fenced off can add nothing any more."""
    held = await held_run(api, runner)
    held.token = (await held_run(api, runner)).token
    with pytest.raises(Refused):
        await held.upload("late.log", b"x")


async def test_evidence_may_come_after_the_report_of_its_own_run(api: Api, runner: ScriptedRunner) -> None:
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await api.cancel("check", session["checkSessionId"])
    await held.stop_as_asked(evidence_complete=False)
    late = await held.upload("trace.zip", b"PK", kind="trace", content_type="application/zip")
    assert (await held.evidence(late)).accepted
    path = f"/v1/check-results/{session['checkId']}/{rows[EU]['checkResultId']}/assets"
    assert [asset["name"] for asset in (await api.get(path))["assets"]] == ["trace.zip"]
