"""Who may ask: keys, roles, accounts, and how often."""

from collections.abc import Iterator

import pytest

from bellrock.api.config import ApiConfig
from bellrock.api.rate_limit import RateLimits
from tests.support.api_client import EU, Api, unknown_id
from tests.support.server import RunningServer, ServerOptions, TestAccount

ROLES = ["OWNER", "ADMIN", "READ_WRITE", "READ_RUN", "READ_ONLY"]


async def with_role(api: Api, role: str, kind: str = "user") -> Api:
    """Another caller of the same account."""
    assert api.account
    new = await api.post("/v1/api-keys", {"name": role, "role": role, "kind": kind})
    return Api(api.server, TestAccount(api.account.id, new["secret"]), checkers=api.checkers)


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_may_look(api: Api, role: str) -> None:
    suite = await api.create_suite()
    caller = await with_role(api, role)
    assert (await caller.get(f"/v1/checks/{suite['id']}"))["name"] == "Shop"
    await caller.close()


@pytest.mark.parametrize(("role", "may"), [("READ_ONLY", False), ("READ_RUN", True), ("READ_WRITE", True)])
async def test_running_needs_read_and_run(api: Api, role: str, may: bool) -> None:
    """C13."""
    suite = await api.create_suite()
    caller = await with_role(api, role)
    check_sessions = {"target": {"checkId": [suite["id"]]}}
    test_session = {**check_sessions, "name": "x", "runLocation": EU}
    for path, body in {
        "/v1/check-sessions/trigger": check_sessions,
        "/v2/check-sessions/trigger": check_sessions,
        "/v1/test-sessions/trigger": test_session,
    }.items():
        await caller.post(path, body, status=201 if may else 403)
    await caller.close()


@pytest.mark.parametrize(("role", "may"), [("READ_RUN", False), ("READ_WRITE", True), ("ADMIN", True)])
async def test_editing_needs_read_and_write(api: Api, role: str, may: bool) -> None:
    suite = await api.create_suite()
    caller = await with_role(api, role)
    body = {"name": "New", "codeBundlePath": suite["codeBundlePath"], "locations": [EU]}
    await caller.post("/v1/checks/playwright", body, status=201 if may else 403)
    await caller.put(f"/v1/checks/playwright/{suite['id']}", body, status=200 if may else 403)
    deploy = {"project": {"logicalId": "p", "name": "P"}, "resources": []}
    await caller.post("/v1/projects/deploy", deploy, status=202 if may else 403)
    await caller.delete(f"/v1/checks/{suite['id']}", status=204 if may else 403)
    await caller.close()


@pytest.mark.parametrize(("role", "may"), [("READ_WRITE", False), ("ADMIN", True)])
async def test_keys_need_admin(api: Api, role: str, may: bool) -> None:
    caller = await with_role(api, role)
    await caller.get("/v1/api-keys", status=200 if may else 403)
    body = {"name": "n", "role": "READ_ONLY"}
    await caller.post("/v1/api-keys", body, status=201 if may else 403)
    await caller.close()


async def test_a_key_is_shown_once_and_useless_once_revoked(api: Api) -> None:
    new = await api.post("/v1/api-keys", {"name": "ci", "role": "READ_RUN", "kind": "service"})
    listed = {key["id"]: key for key in await api.get("/v1/api-keys")}
    assert "secret" not in listed[new["id"]]
    assert new["secret"] not in str(listed)
    assert api.account
    caller = Api(api.server, TestAccount(api.account.id, new["secret"]), checkers=api.checkers)
    await caller.get("/v1/checks")
    await api.delete(f"/v1/api-keys/{new['id']}")
    await caller.get("/v1/checks", status=401)
    await api.delete(f"/v1/api-keys/{new['id']}", status=404)
    await caller.close()


async def test_user_keys_and_service_keys_have_their_own_prefix(api: Api) -> None:
    for kind, prefix in {"user": "cu_", "service": "sv_"}.items():
        new = await api.post("/v1/api-keys", {"name": kind, "role": "READ_ONLY", "kind": kind})
        assert new["secret"].startswith(prefix)


async def test_the_account_of_a_header_must_be_the_keys_own(api: Api, stranger: Api) -> None:
    assert api.account
    assert stranger.account
    await api.get("/v1/checks", headers={"X-Checkly-Account": str(api.account.id)})
    await api.get("/v1/checks", headers={"X-Checkly-Account": str(stranger.account.id)}, status=403)
    error = await api.get("/v1/checks", headers={"X-Checkly-Account": "me"}, status=400)
    assert "X-Checkly-Account" in error["message"]


@pytest.mark.parametrize("header", ["Bearer", "Basic dXNlcjpwYXNz", "Bearer cu_unknown", "cu_unknown"])
async def test_a_key_that_is_not_good_is_401_also_for_paths_that_do_not_exist(
    nobody: Api, header: str
) -> None:
    for path in ("/v1/checks", "/v2/checks", "/next/users/me", "/v1/alert-channels", "/v1/no-such-path"):
        answer = await nobody.request("GET", path, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_locations_runtimes_health_and_the_schema_need_no_key(nobody: Api) -> None:
    locations = await nobody.get("/v1/locations")
    assert {"region": EU, "name": "Frankfurt"} in locations
    assert len(locations) >= 22
    (runtime,) = await nobody.get("/v1/runtimes")
    assert (await nobody.get(f"/v1/runtimes/{runtime['name']}")) == runtime
    await nobody.get("/v1/runtimes/1999.01", status=404)
    assert (await nobody.get("/openapi.json"))["info"]["title"] == "Bellrock"
    assert (await nobody.http.get("/healthz")).json()["database"]


async def test_the_account_of_a_key_names_an_existing_runtime(api: Api, stranger: Api) -> None:
    assert api.account
    account = await api.get(f"/next/accounts/{api.account.id}")
    assert account["id"] == str(api.account.id)
    await api.get(f"/v1/runtimes/{account['runtimeId']}")
    assert await api.get("/next/accounts") == [account]
    assert await api.get("/v1/accounts/me") == account
    assert await api.get("/next/users/me") == {"name": "Owner", "role": "OWNER"}
    await stranger.get(f"/next/accounts/{api.account.id}", status=404)
    await api.get(f"/v1/accounts/{unknown_id()}", status=404)


@pytest.fixture
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with small rate limits."""
    limits = RateLimits(requests=5, window_s=60, bad_keys=3)
    options = ServerOptions(api=ApiConfig(rate_limits=limits))
    server = RunningServer(tmp_path_factory.mktemp("strict"), options)
    server.start()
    yield server
    server.stop()


async def test_over_the_rate_limit_is_429_with_retry_after_for_that_account_only(
    strict_server: RunningServer,
) -> None:
    """Also for cancel, whatever it would have done."""
    busy = Api(strict_server, await strict_server.new_account())
    calm = Api(strict_server, await strict_server.new_account())
    for _ in range(5):
        await busy.get("/v1/checks")
    answer = await busy.request("GET", "/v1/checks")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["errorCode"] == "RATE_LIMITED"
    for kind in ("check", "test"):
        await busy.cancel(kind, unknown_id(), status=429)
    await calm.get("/v1/checks")
    await busy.close()
    await calm.close()


async def test_a_call_of_a_trigger_counts_as_a_request_of_its_account(strict_server: RunningServer) -> None:
    api = Api(strict_server, await strict_server.new_account())
    check = await api.create_url_monitor(activated=True)
    made = await api.post(f"/v1/triggers/checks/{check['id']}")
    address = f"/checks/{check['id']}/trigger/{made['token']}"
    answers = [await api.http.post(address, headers={"Authorization": ""}) for _ in range(4)]
    assert [each.status_code for each in answers] == [201, 201, 201, 429]
    assert "retry-after" in answers[-1].headers
    await api.close()


async def test_an_address_that_guesses_keys_is_stopped_and_its_neighbours_are_not(
    strict_server: RunningServer,
) -> None:
    guesser = Api(strict_server, None, headers={"Authorization": "Bearer cu_guess"})
    for _ in range(3):
        await guesser.get("/v1/checks", status=401)
    answer = await guesser.request("GET", "/v1/checks")
    assert answer.status_code == 429
    assert "retry-after" in answer.headers
    await guesser.close()
    neighbour = Api(strict_server, await strict_server.new_account())
    await neighbour.get("/v1/checks")
    await neighbour.close()
