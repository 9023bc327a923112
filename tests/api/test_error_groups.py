"""Groups of errors: what is the same, what counts, and what somebody put away."""

from datetime import timedelta

import pytest

from bellrock.domain.error_groups import cleaned
from bellrock.domain.outcomes import CANCELLED, Blame, Outcome, Verdict
from bellrock.domain.sessions import SessionKind
from tests.support.api_client import Api, Json, unknown_id
from tests.support.history import PASSED, Past, remember
from tests.support.roles import with_role


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def failed(message: str) -> Outcome:
    return Outcome(Verdict.FAILED, Blame.TARGET, "ANY", message)


async def of_check(api: Api, check: Json) -> list[Json]:
    """The check's groups."""
    found: list[Json] = await api.get(f"/v1/error-groups/checks/{check['id']}")
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It took 5012 ms: the maximum is 5000 ms.", "It took 7300 ms: the maximum is 5000 ms."),
        ("7f9c24e8-3b12-4d5a-9f6e-0a1b2c3d4e5f is gone", "00000000-3b12-4d5a-9f6e-0a1b2c3d4e5f is gone"),
        ("Nobody listens at 10.0.0.1", "Nobody listens at 10.0.0.27"),
        ("at 2026-01-05T12:00:00Z it was down", "at 2026-02-06 13:14:15 it was down"),
        ("\x1b[31mexpected\x1b[39m  1\n", "expected 1"),
        ("trace 0af7651916cd43dd", "trace 4bf92f3577b34da6"),
        ("lost 12.5 % of 10", "lost 100 % of 10"),
    ],
)
def test_what_changes_from_run_to_run_makes_no_other_error(one: str, other: str) -> None:
    assert cleaned(one) == cleaned(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("expected 200, got 503", "expected 200, got 404"), ("no button 'Buy'", "no button 'Sell'")],
)
def test_what_tells_errors_apart_stays(one: str, other: str) -> None:
    assert cleaned(one) != cleaned(other)


async def test_failing_results_with_the_same_error_are_one_group(api: Api) -> None:
    monitor = await api.create_url_monitor()
    await remember(
        api,
        monitor,
        Past(failed("It took 5012 ms."), minutes(30)),
        Past(failed("It took 9000 ms."), minutes(5)),
        Past(failed("Nobody listens."), minutes(20)),
        Past(Outcome(Verdict.ERRORED, Blame.RUNNER, "X", "The runner has no route."), minutes(40)),
    )
    slow, refused, runner = await of_check(api, monitor)
    assert (slow["cleanedErrorMessage"], slow["rawErrorMessage"]) == (
        "It took <number> ms.",
        "It took 9000 ms.",
    )
    assert slow["firstSeen"] < refused["lastSeen"] < slow["lastSeen"]
    assert (slow["checkId"], slow["archivedUntilNextEvent"]) == (monitor["id"], False)
    assert runner["cleanedErrorMessage"] == "The runner has no route."
    for group in (slow, refused, runner):
        assert await api.get(f"/v1/error-groups/{group['id']}") == group
    result = (await api.get(f"/v1/check-results/{monitor['id']}?hasFailures=true&limit=1"))[0]
    assert result["errorGroupIds"] == [slow["id"]]


@pytest.mark.parametrize(
    "past",
    [
        Past(PASSED),
        Past(CANCELLED),
        Past(failed("x"), result_type="ATTEMPT"),
        Past(failed("x"), kind=SessionKind.TEST),
    ],
    ids=["passed", "cancelled", "an attempt that was tried again", "of a test session"],
)
async def test_only_final_failing_results_of_the_check_itself_have_errors(api: Api, past: Past) -> None:
    monitor = await api.create_url_monitor()
    await remember(api, monitor, past)
    assert await of_check(api, monitor) == []


async def test_groups_of_the_account_are_paged_and_those_of_others_are_404(api: Api, stranger: Api) -> None:
    for name in ("one", "two", "three"):
        monitor = await api.create_url_monitor(name=name)
        await remember(api, monitor, Past(failed("It is down.")))
    found = await api.get("/v1/error-groups")
    assert len({each["id"] for each in found}) == 3
    assert await api.get("/v1/error-groups?limit=2&page=2") == found[2:]
    assert await stranger.get("/v1/error-groups") == []
    await stranger.get(f"/v1/error-groups/checks/{monitor['id']}", status=404)
    for method in ("GET", "PATCH"):
        path = f"/v1/error-groups/{found[0]['id']}"
        assert (await stranger.request(method, path, json={})).status_code == 404
    await api.get(f"/v1/error-groups/{unknown_id()}", status=404)


async def test_a_group_is_put_away_until_its_error_comes_again_or_for_ever(api: Api) -> None:
    monitor = await api.create_url_monitor()
    await remember(api, monitor, Past(failed("It is down.")))
    (group,) = await of_check(api, monitor)
    path = f"/v1/error-groups/{group['id']}"

    async def put_away(**how: bool) -> Json:
        answer = await api.request("PATCH", path, json=how)
        assert answer.status_code == 200
        return dict(answer.json())

    assert (await put_away(archivedUntilNextEvent=True))["archivedUntilNextEvent"]
    assert (await of_check(api, monitor))[0]["archivedUntilNextEvent"]
    await remember(api, monitor, Past(failed("It is down."), minutes(-1)))
    assert not (await api.get(path))["archivedUntilNextEvent"]
    assert (await put_away(archiveForEver=True))["archivedUntilNextEvent"]
    assert await of_check(api, monitor) == []
    assert not (await put_away(archiveForEver=False))["archivedUntilNextEvent"]
    assert len(await of_check(api, monitor)) == 1
    async with with_role(api, "READ_RUN") as reader:
        assert (await reader.request("PATCH", path, json={"archiveForEver": True})).status_code == 403
        assert await reader.get(path) == await api.get(path)


async def test_no_alert_was_ever_sent(api: Api, stranger: Api) -> None:
    monitor = await api.create_url_monitor()
    await remember(api, monitor, Past(failed("It is down.")))
    for path in ("/v1/check-alerts", f"/v1/check-alerts/{monitor['id']}"):
        assert await api.get(path) == []
        await api.get(path, params={"from": "x"}, status=400)
    await stranger.get(f"/v1/check-alerts/{monitor['id']}", status=404)
