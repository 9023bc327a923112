"""What the API says of a run whose files the janitor removed."""

from collections.abc import Iterator

import pytest

from bellrock.services.janitor import tidy
from bellrock.services.platform import ControlSettings
from tests.support.api_client import EU, Api
from tests.support.scripted_runner import scripted_runner
from tests.support.server import RunningServer, ServerOptions


@pytest.fixture
def full_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that has room for no file once its run is settled, which is at once."""
    control = ControlSettings(artifact_store_bytes=0, late_evidence_s=0)
    running = RunningServer(tmp_path_factory.mktemp("full"), ServerOptions(control=control))
    running.start()
    yield running
    running.stop()


async def test_removed_files_are_no_assets_any_more_and_the_result_stays(full_server: RunningServer) -> None:
    api = Api(full_server, await full_server.new_account())
    async with scripted_runner(full_server) as runner:
        await runner.hello(EU)
        session, rows = await api.started_suite(EU)
        held = await runner.claim(rows[EU]["sequenceId"], EU)
        await held.upload("output.log", b"2 passed\n")
        await held.pass_with()
    result = f"/v1/check-results/{session['checkId']}/{rows[EU]['checkResultId']}"
    assert len((await api.get(f"{result}/assets"))["assets"]) == 1
    await full_server.call(tidy)
    assert (await api.get(f"{result}/assets"))["assets"] == []
    assert (await api.get(result))["hasFailures"] is False
    await api.get(f"/v1/artifacts/{held.run_id}/output.log", status=404)
    await api.close()
