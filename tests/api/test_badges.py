"""Badges: real pictures of how checks do, and who sees them."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from bellrock.api.config import ApiConfig
from bellrock.domain.outcomes import CANCELLED, Outcome
from tests.support.api_client import Api, unknown_id
from tests.support.history import PASSED, Past, remember
from tests.support.scripted_runner import DEGRADED, FAILED
from tests.support.server import RunningServer, ServerOptions

SVG = "{http://www.w3.org/2000/svg}"


async def texts(caller: Api, path: str) -> list[str]:
    """What is written on a badge: its two sides."""
    answer = await caller.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    picture = ET.fromstring(answer.text)
    assert picture.tag == f"{SVG}svg"
    assert int(picture.attrib["width"]) > 20
    return [str(each.text) for each in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("outcome", "word"), [(PASSED, "passing"), (DEGRADED, "degraded"), (FAILED, "failing")]
)
async def test_the_badge_of_a_check_says_how_it_does(api: Api, outcome: Outcome, word: str) -> None:
    """C40: a cancelled run is on no badge."""
    monitor = await api.create_url_monitor()
    path = f"/v1/badges/checks/{monitor['id']}"
    assert await texts(api, path) == ["Front page", "no data"]
    await remember(api, monitor, Past(outcome, response_time_ms=120), Past(CANCELLED, response_time_ms=9))
    assert await texts(api, path) == ["Front page", word]
    assert await texts(api, f"{path}?responseTime=true") == ["Front page", f"{word} | 120 ms"]


async def test_the_badge_of_a_group_is_as_bad_as_its_worst_active_check(api: Api) -> None:
    group = await api.post("/v1/check-groups", {"name": "Shop"})
    path = f"/v1/badges/groups/{group['id']}"
    assert await texts(api, path) == ["Shop", "no data"]
    for outcome, activated in ((PASSED, True), (DEGRADED, True), (FAILED, False)):
        check = await api.create_url_monitor(groupId=group["id"], activated=activated)
        await remember(api, check, Past(outcome))
    assert await texts(api, f"{path}?responseTime=true") == ["Shop", "degraded | 100 ms"]


@pytest.mark.parametrize("style", ["flat", "plastic", "flat-square", "for-the-badge", "social"])
async def test_a_badge_has_the_style_and_the_theme_asked_for(api: Api, style: str) -> None:
    monitor = await api.create_url_monitor()
    path = f"/v1/badges/checks/{monitor['id']}?style={style}"
    pictures = {(await api.http.get(f"{path}&theme={each}")).text for each in ("light", "dark", "default")}
    assert len(pictures) == 3
    loud = style == "for-the-badge"
    assert await texts(api, path) == (["FRONT PAGE", "NO DATA"] if loud else ["Front page", "no data"])


async def test_whatever_a_check_is_called_is_only_text_on_its_badge(api: Api) -> None:
    name = f"<script>alert('1')</script> & \"x\" {'long ' * 40}"
    monitor = await api.create_url_monitor(name=name)
    (shown, _) = await texts(api, f"/v1/badges/checks/{monitor['id']}")
    assert name.startswith(shown.removesuffix("…"))
    assert len(shown) <= 60


async def test_a_badge_needs_a_key_of_its_account_unless_badges_are_public(
    api: Api, stranger: Api, nobody: Api
) -> None:
    monitor = await api.create_url_monitor()
    group = await api.post("/v1/check-groups", {"name": "Shop"})
    for path in (f"/v1/badges/checks/{monitor['id']}", f"/v1/badges/groups/{group['id']}"):
        await nobody.get(path, status=401)
        await stranger.get(path, status=404)
    for path in (f"/v1/badges/checks/{unknown_id()}", "/v1/badges/groups/2147483647"):
        await api.get(path, status=404)
    error = await api.get(f"/v1/badges/checks/{monitor['id']}?style=round", status=400)
    assert "style" in error["message"]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that shows badges to everybody."""
    options = ServerOptions(api=ApiConfig(public_badges=True))
    server = RunningServer(tmp_path_factory.mktemp("public"), options)
    server.start()
    yield server
    server.stop()


async def test_public_badges_are_shown_without_a_key_and_nothing_else_is(public: RunningServer) -> None:
    api, nobody = Api(public, await public.new_account()), Api(public, None)
    monitor = await api.create_url_monitor()
    group = await api.post("/v1/check-groups", {"name": "Shop"})
    assert await texts(nobody, f"/v1/badges/checks/{monitor['id']}") == ["Front page", "no data"]
    assert await texts(nobody, f"/v1/badges/groups/{group['id']}") == ["Shop", "no data"]
    await nobody.get(f"/v1/badges/checks/{unknown_id()}", status=404)
    await nobody.get(f"/v1/checks/{monitor['id']}", status=401)
    await api.close()
    await nobody.close()
