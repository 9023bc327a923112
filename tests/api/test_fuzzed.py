"""Requests that nobody would write, made of our own OpenAPI document: good ones, and bad ones.

Each operation is asked with ids that were made up and, where it takes some, with those of what is there.
`BELLROCK_TEST_EXAMPLES=100` asks for that many of each, and for every boundary of every field besides.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bellrock.api.config import ApiConfig
from bellrock.api.rate_limit import RateLimits
from tests.support.api_client import EU, Api
from tests.support.certificates import make_pair
from tests.support.check_kinds import KEPT_KINDS, KINDS
from tests.support.schemas import own_document
from tests.support.scripted_runner import ScriptedRunner, scripted_runner
from tests.support.server import RunningServer, ServerOptions

# Streams, long polls, a 503 that is an answer; and figures of one type are asked for as those of another.
_ALIKE = "api-checks|multistep|playwright|tcp|dns|icmp|ssl|grpc|traceroute|agentic"
_APART = f"/(events|completion|healthz)$|^/v1/analytics/({_ALIKE})"
_TIMEOUT_S = 20.0
_FEW_EXAMPLES = 8
_EXAMPLES = int(os.environ.get("BELLROCK_TEST_EXAMPLES", _FEW_EXAMPLES))  # of each operation
_SOME_IDS = re.compile(r"/((?:v1/)?[a-z-]+)/\{(\w+)\}(?:/\{(\w+)\})?")
Ids = Mapping[str, tuple[str, ...]]
"""Ids of what is there, by the word that stands before them in a path (`v1/x`: where x is not enough)."""

_REFERENCES: Mapping[str, Callable[[Ids], Any]] = {
    "groupId": lambda there: int(there["check-groups"][0]),
    "setupSnippetId": lambda there: int(there["snippets"][0]),
    "tearDownSnippetId": lambda there: int(there["snippets"][0]),
    "locations": lambda _: [EU],
    "privateLocations": lambda there: list(there["slugs"]),
    "target": lambda there: {"checkId": list(there["url"])},
    "codeBundlePath": lambda there: there["bundles"][0],
    "dashboardId": lambda there: int(there["dashboard-numbers"][0]),
    "services": lambda there: [{"id": each} for each in there["services"]],
    "cards": lambda there: [{"name": "Web", "services": [{"id": each} for each in there["services"]]}],
    "checkId": lambda there: there["url"][0],
    "slugName": lambda _: f"lab-{uuid4().hex[:20]}",
}
document = schemathesis.openapi.from_dict(deepcopy(own_document()))
document.config.phases.coverage.enabled = _EXAMPLES > _FEW_EXAMPLES
schema = document.exclude(path_regex=_APART)


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, and the ids of what the account has."""

    server_url: str
    headers: Mapping[str, str]
    ids: Ids


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that answers as often as it is asked."""
    limits = RateLimits(requests=1_000_000, bad_keys=1_000_000)
    server = RunningServer(tmp_path_factory.mktemp("patient"), ServerOptions(ApiConfig(rate_limits=limits)))
    server.start()
    yield server
    server.stop()


@dataclass
class Accounts:
    """Accounts with one of everything. One serves until something may have been taken from it."""

    server: RunningServer
    whole: Account | None = None

    def one(self) -> Account:
        if self.whole is None:
            self.whole = asyncio.run(self._prepare())
        return self.whole

    async def _prepare(self) -> Account:
        api = Api(self.server, await self.server.new_account())
        try:
            async with scripted_runner(self.server) as runner:
                ids = await _one_of_everything(api, runner)
                return Account(self.server.url, dict(api.http.headers), ids)
        finally:
            await api.close()


@pytest.fixture(scope="module")
def accounts(patient: RunningServer) -> Accounts:
    return Accounts(patient)


@pytest.fixture
def account(accounts: Accounts, request: pytest.FixtureRequest) -> Iterator[Account]:
    yield accounts.one()
    if "[DELETE " in request.node.name:
        accounts.whole = None


async def _one_of_everything(api: Api, runner: ScriptedRunner) -> Ids:
    group = await api.post("/v1/check-groups", {"name": "Shop"})
    kinds = {
        kind: await api.post(f"/v1/checks/{kind}", {"name": kind, "locations": [EU], **said})
        for kind, (_, said, _) in {**KINDS, **KEPT_KINDS}.items()
    }
    grouped = await api.create_url_monitor(groupId=group["id"])
    suite = await api.create_suite()
    snippet = await api.post("/v1/snippets", {"name": "Log in", "script": "login()"})
    await api.post("/v1/variables", {"key": "USER", "value": "ada"})
    pair = make_pair()
    body = {"host": "shop.test", "cert": pair.certificate, "key": pair.key}
    certificate = await api.post("/v1/client-certificates", body)
    slug = f"lab-{suite['id'][:13]}"
    location = await api.post("/v1/private-locations", {"name": "Lab", "slugName": slug})
    key = await api.post(f"/v1/private-locations/{location['id']}/keys")
    other = await api.post("/v1/api-keys", {"name": "A program", "role": "READ_ONLY", "kind": "service"})
    kept = await _kept(api, kinds["url"]["id"])
    test_session = await api.start_test_session(suite["id"])
    session = await api.trigger(suite["id"])
    (row,) = (await api.rows(session["checkSessionId"])).values()
    await (await runner.claim(row["sequenceId"], EU)).pass_with()
    await api.completion("check", session["checkSessionId"])
    return {
        **kept,
        **{kind: (made["id"],) for kind, made in kinds.items()},
        "playwright": (suite["id"],),
        "bundles": (await api.upload_bundle(),),
        "api-keys": (other["id"],),
        "heartbeats": (kinds["heartbeat"]["id"],),
        "checks": (grouped["id"],),
        "check-groups": (str(group["id"]),),
        "snippets": (str(snippet["id"]),),
        "variables": ("USER",),
        "client-certificates": (certificate["id"],),
        "private-locations": (location["id"],),
        "slugs": (slug,),
        "keys": (key["id"],),
        "test-sessions": (test_session["testSessionId"],),
        "results": (test_session["results"][0]["testSessionResultId"],),
        "check-sessions": (session["checkSessionId"],),
        "check-results": (suite["id"], row["checkResultId"]),
        "accounts": (str(api.account.id),) if api.account else (),
        "runtimes": ("2025.04",),
    }


async def _kept(api: Api, check_id: str) -> Ids:
    """One of everything that is kept."""
    hears = [{"checkId": check_id, "activated": True}]
    email = {"type": "EMAIL", "config": {"address": "a@example.org"}, "subscriptions": hears}
    channel = await api.post("/v1/alert-channels", email)
    times = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-02T00:00:00Z"}
    window = await api.post("/v1/maintenance-windows", {"name": "Night", **times})
    board = await api.post("/v1/dashboards", {"header": "Board"})
    service = await api.post("/v1/status-pages/services", {"name": "Checkout"}, status=200)
    cards = [{"name": "Web", "services": [{"id": service["id"]}]}]
    page = await api.post("/v1/status-pages", {"name": "Shop", "url": uuid4().hex, "cards": cards})
    first = [{"description": "We look into it", "status": "INVESTIGATING"}]
    down = {"name": "Down", "severity": "MAJOR", "services": [service], "incidentUpdates": first}
    incident = await api.post("/v1/status-pages/incidents", down)
    shown = {"name": "Down", "impact": "MAJOR", "dashboardId": board["id"], "incidentUpdates": first}
    old = await api.post("/v1/incidents", shown, status=200)
    return {
        "alert-channels": (str(channel["id"]),),
        "maintenance-windows": (str(window["id"]),),
        "dashboards": (board["dashboardId"],),
        "dashboard-numbers": (str(board["id"]),),
        "services": (service["id"],),
        "status-pages": (page["id"],),
        "incidents": (incident["id"],),
        "incident-updates": (incident["incidentUpdates"][0]["id"],),
        "v1/incidents": (old["id"],),
        "updates": (old["incidentUpdates"][0]["id"],),
    }


def _faultless(_: CheckContext, response: Response, __: Case[Any]) -> bool | None:
    """No fault of ours: what is not built says so."""
    fault = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    not_built = response.status_code == HTTPStatus.NOT_IMPLEMENTED and response.json()["message"]
    assert not fault or not_built, response.text
    return None


_CHECKS = [_faultless, status_code_conformance, content_type_conformance, response_schema_conformance]


def _points_at_what_is_there(case: Case[Any], there: Ids) -> bool:
    """Put ids of what is there into the path and the body; whether there was a place for any."""
    known: dict[str, Any] = {}
    for word, *names in _SOME_IDS.findall(case.path):
        ids = there.get(word) or there.get(word.removeprefix("v1/"), ())
        known |= dict(zip(filter(None, names), ids, strict=False))
    is_whole = len(known) == case.path.count("{")
    if is_whole:
        case.path_parameters = known
    body: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    said: dict[str, Any] = {
        name: reference(there) for name, reference in _REFERENCES.items() if body.get(name)
    }
    if place := body.get("runLocation"):
        said["runLocation"] = {"type": "PUBLIC", "region": EU} if isinstance(place, dict) else EU
    if said:
        case.body = {**body, **said}
    return bool((is_whole and known) or said)


@schema.parametrize()
@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_declares_and_none_is_a_fault(
    case: Case[Any], account: Account
) -> None:
    _ask(case, account)
    if _points_at_what_is_there(case, account.ids):
        _ask(case, account)


def _ask(case: Case[Any], account: Account) -> None:
    headers = dict(account.headers)
    case.call_and_validate(account.server_url, headers=headers, checks=_CHECKS, timeout=_TIMEOUT_S)
