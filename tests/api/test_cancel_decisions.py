"""The decision table of a cancel request: one test per row, and the order in which rows are looked at."""

from uuid import UUID

import pytest

from bellrock.domain.cancellation import RunSource
from bellrock.services import start_session
from tests.support.api_client import EU, US, Api, unknown_id
from tests.support.scripted_runner import ScriptedRunner
from tests.support.server import RunningServer, TestAccount

KINDS = pytest.mark.parametrize("kind", ["check", "test"])


async def started(api: Api, kind: str) -> str:
    """A session of this kind with one queued suite run."""
    suite = await api.create_suite()
    if kind == "check":
        return str((await api.trigger(suite["id"]))["checkSessionId"])
    return str((await api.start_test_session(suite["id"]))["testSessionId"])


async def key_of(api: Api, role: str) -> Api:
    """Another caller of the same account, with a key of this role."""
    assert api.account
    new = await api.post("/v1/api-keys", {"name": role, "role": role, "kind": "service"})
    return Api(api.server, TestAccount(api.account.id, new["secret"]), checkers=api.checkers)


@KINDS
@pytest.mark.parametrize("key", [None, "cu_0123456789abcdef", "?"])
async def test_cancel_without_a_good_key_is_401(
    api: Api, server: RunningServer, kind: str, key: str | None
) -> None:
    session_id = await started(api, kind)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    caller = Api(server, None, checkers=api.checkers, headers=headers)
    error = await caller.cancel(kind, session_id, status=401)
    await caller.close()
    assert error["error"] == "Unauthorized"


@KINDS
async def test_cancel_by_a_role_that_may_not_run_is_403(api: Api, kind: str) -> None:
    session_id = await started(api, kind)
    reader = await key_of(api, "READ_ONLY")
    error = await reader.cancel(kind, session_id, status=403)
    await reader.close()
    assert "READ_RUN" in error["message"]
    assert await api.status(kind, session_id) in ("STARTED", "RUNNING")


@KINDS
async def test_cancel_by_the_least_role_that_may_run_is_204(api: Api, kind: str) -> None:
    session_id = await started(api, kind)
    operator = await key_of(api, "READ_RUN")
    await operator.cancel(kind, session_id)
    await operator.close()
    assert await api.status(kind, session_id) == "CANCELLED"


@KINDS
async def test_cancel_of_an_id_that_is_no_uuid_is_400(api: Api, kind: str) -> None:
    error = await api.cancel(kind, "not-a-uuid", status=400)
    assert f"{kind}SessionId" in error["message"]


@KINDS
@pytest.mark.parametrize("body", ["[]", '"everything"', "7", "null", "true"])
async def test_cancel_with_a_body_that_is_no_object_is_400(api: Api, kind: str, body: str) -> None:
    session_id = await started(api, kind)
    json_type = {"Content-Type": "application/json"}
    path = f"/v1/{kind}-sessions/{session_id}/cancel"
    error = await api.post(path, status=400, content=body, headers=json_type)
    assert "object" in error["message"]


@KINDS
async def test_cancel_with_a_body_that_is_no_json_is_400(api: Api, kind: str) -> None:
    session_id = await started(api, kind)
    json_type = {"Content-Type": "application/json"}
    path = f"/v1/{kind}-sessions/{session_id}/cancel"
    error = await api.post(path, status=400, content="{sequenceId", headers=json_type)
    assert "JSON" in error["message"]


@KINDS
@pytest.mark.parametrize(
    "ids", [[], ["not-a-uuid"], [unknown_id(), 7], "not-a-list", None, {"0": unknown_id()}]
)
async def test_cancel_with_sequence_ids_that_are_none_is_400_and_stops_nothing(
    api: Api, kind: str, ids: object
) -> None:
    """C16: an empty list is refused, too: it could mean nothing or everything."""
    session_id = await started(api, kind)
    error = await api.cancel(kind, session_id, {"sequenceId": ids}, status=400)
    assert "sequenceId" in error["message"]
    assert await api.status(kind, session_id) in ("STARTED", "RUNNING")


@KINDS
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", None),
        (b"", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b" \n", "application/json"),
    ],
)
async def test_cancel_without_a_body_means_everything(
    api: Api, kind: str, content: bytes, content_type: str | None
) -> None:
    """C16, C19: what the reference's command line sends has no body and an odd content type."""
    session_id = await started(api, kind)
    headers = {"Content-Type": content_type} if content_type else {}
    path = f"/v1/{kind}-sessions/{session_id}/cancel"
    answer = await api.request("POST", path, content=content, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await api.status(kind, session_id) == "CANCELLED"


@KINDS
async def test_cancel_ignores_keys_it_does_not_know(api: Api, kind: str) -> None:
    session_id = await started(api, kind)
    await api.cancel(kind, session_id, {"reason": "wrong branch", "force": True})
    assert await api.status(kind, session_id) == "CANCELLED"


@KINDS
async def test_cancel_of_an_unknown_session_is_404(api: Api, kind: str) -> None:
    """C18."""
    error = await api.cancel(kind, unknown_id(), status=404)
    assert error["error"] == "Not Found"


@KINDS
async def test_cancel_of_another_accounts_session_is_404_like_an_unknown_one(
    api: Api, stranger: Api, kind: str
) -> None:
    session_id = await started(api, kind)
    error = await stranger.cancel(kind, session_id, status=404)
    unknown = unknown_id()
    like_unknown = await stranger.cancel(kind, unknown, status=404)
    assert error["message"].replace(session_id, unknown) == like_unknown["message"]
    assert await api.status(kind, session_id) in ("STARTED", "RUNNING")


async def test_cancel_of_a_session_of_the_other_kind_is_404(api: Api) -> None:
    check_session, test_session = await started(api, "check"), await started(api, "test")
    await api.cancel("test", check_session, status=404)
    await api.cancel("check", test_session, status=404)


@pytest.mark.parametrize("source", [RunSource.SCHEDULER, RunSource.DEPLOYMENT_CACHE_WARMER])
async def test_cancel_of_a_session_that_no_person_started_is_403_and_says_why(
    api: Api, server: RunningServer, source: RunSource
) -> None:
    """C3, R8."""
    session_id = await session_of_source(api, server, source)
    error = await api.cancel("check", session_id, status=403)
    assert source in error["message"]
    assert await api.status("check", session_id) == "STARTED"


@pytest.mark.parametrize(
    "source",
    [
        RunSource.SCHEDULE_NOW,
        RunSource.CLI_DEPLOY,
        RunSource.TRIGGER_API,
        RunSource.GROUP_RUN_ALL,
        RunSource.EDITOR,
        RunSource.DEPLOYMENT,
        RunSource.SLACK_RERUN,
        RunSource.LEGACY_TRIGGER,
    ],
)
async def test_cancel_of_a_session_that_a_person_started_is_204_whatever_they_used(
    api: Api, server: RunningServer, source: RunSource
) -> None:
    """C5, C6, R8."""
    session_id = await session_of_source(api, server, source)
    await api.cancel("check", session_id)
    assert await api.status("check", session_id) == "CANCELLED"


async def session_of_source(api: Api, server: RunningServer, source: RunSource) -> str:
    """A check session that something else than the API started."""
    suite = await api.create_suite()
    principal = await server.principal_of(api.account)
    view = await server.call(
        lambda platform: start_session.start_check_session(
            platform, principal, check_id=UUID(suite["id"]), source=source
        )
    )
    return str(view.session.id)


async def test_cancel_of_a_check_session_of_another_type_is_204_and_does_nothing(
    api: Api, runner: ScriptedRunner
) -> None:
    """C1, R9: the run goes on to its normal end, and the session is not cancelled."""
    monitor = await api.create_url_monitor()
    session_id = (await api.trigger(monitor["id"]))["checkSessionId"]
    (row,) = (await api.rows(session_id)).values()
    held = await runner.claim(row["sequenceId"], EU)
    await api.cancel("check", session_id)
    assert not (await held.heartbeat()).stop
    await held.finish()
    session = await api.completion("check", session_id)
    assert session["status"] == "PASSED"
    assert [row["isCancelled"] for row in session["results"]] == [False]


async def test_cancel_of_a_test_session_without_suites_is_204_and_does_nothing(
    api: Api, runner: ScriptedRunner
) -> None:
    """C10, R9."""
    monitor = await api.create_url_monitor()
    session = await api.start_test_session(monitor["id"])
    await api.cancel("test", session["testSessionId"])
    held = await runner.claim(session["results"][0]["sequenceId"], EU)
    await held.finish()
    ended = await api.completion("test", session["testSessionId"])
    assert ended["status"] == "PASSED"


@KINDS
async def test_cancel_of_a_session_that_is_final_is_204_and_changes_nothing(
    api: Api, runner: ScriptedRunner, kind: str
) -> None:
    """R1, R3."""
    session_id = await started(api, kind)
    sessions = f"/{'v2' if kind == 'check' else 'v1'}/{kind}-sessions/{session_id}"
    (row,) = (await api.get(sessions))["results"]
    held = await runner.claim(row["sequenceId"], EU)
    await held.pass_with()
    before = await api.get(sessions)
    await api.cancel(kind, session_id)
    await api.cancel(kind, session_id, {"sequenceId": [row["sequenceId"]]})
    assert await api.get(sessions) == before
    assert before["status"] == "PASSED"


async def test_cancel_when_some_runs_are_final_stops_the_others(api: Api, runner: ScriptedRunner) -> None:
    """R1: a run that has its verdict keeps it."""
    session, rows = await api.started_suite(EU, US)
    held = await runner.claim(rows[EU]["sequenceId"], EU)
    await held.pass_with()
    await api.cancel("check", session["checkSessionId"])
    after = await api.rows(session["checkSessionId"])
    assert [after[EU]["isCancelled"], after[US]["isCancelled"]] == [False, True]


async def test_cancel_of_a_run_that_is_not_in_the_session_is_204_and_ignored(api: Api) -> None:
    """R4."""
    _, foreign = await api.started_suite(EU)
    session, _ = await api.started_suite(EU, US)
    await api.cancel(
        "check",
        session["checkSessionId"],
        {"sequenceId": [unknown_id(), foreign[EU]["sequenceId"]]},
    )
    assert await api.status("check", session["checkSessionId"]) == "STARTED"


async def test_cancel_with_known_and_unknown_runs_stops_the_known_ones(api: Api) -> None:
    """R4: one stale id does not void the rest; duplicates collapse."""
    session, rows = await api.started_suite(EU, US)
    run_id = rows[US]["sequenceId"]
    await api.cancel("check", session["checkSessionId"], {"sequenceId": [unknown_id(), run_id, run_id]})
    after = await api.rows(session["checkSessionId"])
    assert [after[EU]["isCancelled"], after[US]["isCancelled"]] == [False, True]


@KINDS
async def test_cancel_of_runs_in_flight_is_204_before_they_have_stopped(
    api: Api, runner: ScriptedRunner, kind: str
) -> None:
    """C17: dispatched, not done; the body is empty."""
    session_id = await started(api, kind)
    sessions = f"/{'v2' if kind == 'check' else 'v1'}/{kind}-sessions/{session_id}"
    (row,) = (await api.get(sessions))["results"]
    held = await runner.claim(row["sequenceId"], EU)
    await api.cancel(kind, session_id, {})
    during = await api.get(sessions)
    assert during["stoppedAt"] is None
    assert during["results"][0]["cancelledAt"] is not None
    await held.stop_as_asked()
    assert (await api.completion(kind, session_id))["status"] == "CANCELLED"


async def test_the_role_is_looked_at_before_the_body_and_the_body_before_the_session(api: Api) -> None:
    reader, operator = await key_of(api, "READ_ONLY"), await key_of(api, "READ_RUN")
    await reader.cancel("check", unknown_id(), {"sequenceId": []}, status=403)
    await reader.cancel("check", "not-a-uuid", status=403)
    await operator.cancel("check", unknown_id(), {"sequenceId": []}, status=400)
    await operator.cancel("check", unknown_id(), {}, status=404)
    await reader.close()
    await operator.close()


async def test_the_key_is_looked_at_before_everything_else(nobody: Api) -> None:
    await nobody.cancel("check", "not-a-uuid", {"sequenceId": []}, status=401)
