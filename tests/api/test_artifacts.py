"""Files of runs: listed, fetched by key or by link, whole or in part."""

from urllib.parse import urlsplit

import pytest

from tests.support.api_client import EU, Api
from tests.support.scripted_runner import ScriptedRunner

VIDEO = bytes(range(256)) * 4


async def finished_with_files(api: Api, runner: ScriptedRunner) -> tuple[str, str, str]:
    """A finished run with three files: check, result and run id."""
    session, rows = await api.started_suite(EU)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.upload("output.log", b"2 passed\n")
    await held.upload("videos/Cart.webm", VIDEO, kind="video", content_type="video/webm")
    html = b"<script>fetch('/v1/api-keys')</script>"
    await held.upload("report/index.html", html, kind="report", content_type="text/html")
    await held.pass_with()
    return session["checkId"], rows[EU]["checkResultId"], rows[EU]["sequenceId"]


async def test_the_assets_of_a_result_can_be_fetched_by_their_links_without_a_key(
    api: Api, nobody: Api, runner: ScriptedRunner
) -> None:
    """B5."""
    check, result, _ = await finished_with_files(api, runner)
    manifest = await api.get(f"/v1/check-results/{check}/{result}/assets")
    by_name = {asset["name"]: asset for asset in manifest["assets"]}
    assert set(by_name) == {"output.log", "videos/Cart.webm", "report/index.html"}
    assert by_name["output.log"]["source"]["type"] == "check-result"
    assert by_name["output.log"]["source"]["resultId"] == result
    log = await nobody.http.get(by_name["output.log"]["url"])
    assert (log.status_code, log.content) == (200, b"2 passed\n")


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"type": "video"}, {"videos/Cart.webm"}),
        ({"type": ["video", "log"]}, {"videos/Cart.webm", "output.log"}),
        ({"type[]": "report"}, {"report/index.html"}),
        ({"type": "pcap"}, set()),
        ({"name": "*cart*"}, {"videos/Cart.webm"}),
        ({"name": "OUTPUT.LOG"}, {"output.log"}),
    ],
)
async def test_assets_are_filtered_by_type_and_by_name_as_a_glob(
    api: Api, runner: ScriptedRunner, params: dict[str, object], names: set[str]
) -> None:
    """B5."""
    check, result, _ = await finished_with_files(api, runner)
    manifest = await api.get(f"/v1/check-results/{check}/{result}/assets", params=params)
    assert {asset["name"] for asset in manifest["assets"]} == names


async def test_an_asset_type_that_is_none_is_400(api: Api, runner: ScriptedRunner) -> None:
    check, result, _ = await finished_with_files(api, runner)
    path = f"/v1/check-results/{check}/{result}/assets"
    error = await api.get(path, params={"type": "secrets"}, status=400)
    assert "screenshot" in error["message"]


async def test_a_file_can_be_fetched_by_key_and_by_nobody_else(
    api: Api, stranger: Api, nobody: Api, runner: ScriptedRunner
) -> None:
    _, _, run = await finished_with_files(api, runner)
    path = f"/v1/artifacts/{run}/output.log"
    assert (await api.http.get(path)).content == b"2 passed\n"
    await stranger.get(path, status=404)
    await nobody.get(path, status=401)
    await nobody.get(path, status=401, params={"signature": "nonsense"})
    await api.get(f"/v1/artifacts/{run}/no-such.log", status=404)
    await api.get(f"/v1/artifacts/{run}/%2E%2E/%2E%2E/key", status=404)


async def test_a_link_opens_the_files_of_its_own_run_only(
    api: Api, nobody: Api, runner: ScriptedRunner
) -> None:
    check, result, run = await finished_with_files(api, runner)
    _, _, other = await finished_with_files(api, runner)
    (asset, *_) = (await api.get(f"/v1/check-results/{check}/{result}/assets"))["assets"]
    url = urlsplit(asset["url"])
    moved = f"{url.path}?{url.query}".replace(run, other)
    answer = await nobody.http.get(moved)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("asked", "part", "content_range"),
    [
        ("bytes=0-9", VIDEO[:10], "bytes 0-9/1024"),
        ("bytes=1000-", VIDEO[1000:], "bytes 1000-1023/1024"),
        ("bytes=-4", VIDEO[-4:], "bytes 1020-1023/1024"),
        ("bytes=1000-9999", VIDEO[1000:], "bytes 1000-1023/1024"),
    ],
)
async def test_a_player_can_ask_for_a_part_of_a_video(
    api: Api, runner: ScriptedRunner, asked: str, part: bytes, content_range: str
) -> None:
    _, _, run = await finished_with_files(api, runner)
    path = f"/v1/artifacts/{run}/videos/Cart.webm"
    answer = await api.http.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-type"] == "video/webm"


async def test_a_part_that_is_not_in_the_file_is_416(api: Api, runner: ScriptedRunner) -> None:
    _, _, run = await finished_with_files(api, runner)
    path = f"/v1/artifacts/{run}/videos/Cart.webm"
    answer = await api.request("GET", path, headers={"Range": "bytes=5000-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1024"


async def test_a_report_is_downloaded_and_never_run_as_a_page_of_ours(
    api: Api, runner: ScriptedRunner
) -> None:
    _, _, run = await finished_with_files(api, runner)
    answer = await api.http.get(f"/v1/artifacts/{run}/report/index.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_assets_of_a_result_in_a_test_session_are_filtered_and_fetched_with_the_same_key(
    api: Api, stranger: Api, runner: ScriptedRunner
) -> None:
    """B5. The links work without a key too, so a client that sends its key must not be refused for it."""
    suite = await api.create_suite()
    session = await api.start_test_session(suite["id"])
    (row,) = session["results"]
    held = await runner.claim(row["sequenceId"], EU)
    await held.upload("output.log", b"2 passed\n")
    await held.upload("videos/Cart.webm", VIDEO, kind="video", content_type="video/webm")
    await held.pass_with()
    path = f"/v1/test-sessions/{session['testSessionId']}/results/{row['testSessionResultId']}/assets"
    manifest = await api.get(path, params={"type": ["video", "log"], "name": "*.webm"})
    (video,) = manifest["assets"]
    assert (video["name"], video["source"]["type"]) == ("videos/Cart.webm", "test-session-result")
    assert video["source"]["testSessionId"] == session["testSessionId"]
    for caller in (api, stranger):
        answer = await caller.http.get(video["url"])
        assert (answer.status_code, answer.content) == (200, VIDEO)
    assert len((await api.get(path))["assets"]) == 2
