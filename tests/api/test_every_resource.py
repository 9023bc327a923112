"""Every resource of the contract by one table: created, read, changed, read, listed, deleted.

What is read is what was written, with the contract's status codes and types of ids; another account has
nothing of it, and a key that may only read changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.api_client import EU, Api
from tests.support.certificates import make_pair
from tests.support.check_kinds import KEPT_KINDS, KINDS
from tests.support.roles import with_role
from tests.support.schemas import Json

There = Mapping[str, Any]
"""What a body may point at: a service, a dashboard, a check, a bundle, a certificate, a name of its own."""


def _uuid(made: Json) -> str:
    return str(UUID(made["id"]))


def _number(made: Json) -> str:
    assert isinstance(made["id"], int)
    assert made["id"] > 0
    return str(made["id"])


@dataclass(frozen=True)
class Case:
    """One resource. ``change`` is None where the contract has no update."""

    path: str
    create: Callable[[There], Json]
    change: Callable[[There], Json] | None
    key: Callable[[Json], str] = _uuid
    status: int = 201
    put: str = ""
    hidden: frozenset[str] = frozenset()
    lists: bool = True
    needs_admin: bool = False
    expected: Mapping[str, Any] = field(default_factory=dict)


def _check(kind: str, said: Json) -> Case:
    return Case(
        "/v1/checks",
        lambda _: {"name": "A", "locations": [EU], "checkType": "", **said},
        lambda _: {"name": "B", "tags": ["team:web"], **said},
        put=f"/v1/checks/{kind}",
    )


_COLORS = dict.fromkeys(
    (
        *("bodyBackgroundColor", "headerBackgroundColor", "headerFontColor", "titleFontColor"),
        *("bodyFontColor", "bodyFontColorMuted", "navigationFontColor", "linkFontColor"),
        *("cardBackgroundColor", "borderColor", "primaryButtonBackgroundColor", "primaryButtonFontColor"),
    ),
    "#AABBCC",
)
_WINDOW = {
    "name": "Night",
    "tags": ["a"],
    "startsAt": "2026-01-01T00:00:00.000Z",
    "endsAt": "2026-01-01T01:00:00.000Z",
    "repeatInterval": 1,
    "repeatUnit": "WEEK",
    "repeatEndsAt": "2027-01-01T00:00:00.000Z",
    "timezone": "Europe/Berlin",
    "description": "Backups",
    "pauseAllChecks": True,
    "silenceAllAlerts": False,
    "silenceAlertsTags": ["b"],
}


def _window(there: There) -> Json:
    shown = {"enabled": True, "severity": "MINOR", "reminderMinutesBefore": [60]}
    return {**_WINDOW, "statusPageVisibility": {**shown, "serviceIds": [there["service"]]}}


def _page(there: There) -> Json:
    return {
        "name": "Shop",
        "url": there["name"],
        "customDomain": f"{there['name']}.example",
        "themeColors": {"light": _COLORS, "dark": _COLORS},
        "logo": "https://shop.example/logo.png",
        "redirectTo": "https://shop.example",
        "favicon": None,
        "defaultTheme": "DARK",
        "description": "All of it",
        "cards": [{"name": "Web", "services": [{"id": there["service"]}]}, {"name": "Later", "services": []}],
    }


def _incident(there: There, **fields: object) -> Json:
    service = {"id": there["service"], "name": "Checkout", "accountId": there["account"]}
    return {"name": "Down", "severity": "MAJOR", "services": [service], **fields}


def _channel(type_: str, config: Json) -> Case:
    return Case(
        "/v1/alert-channels",
        lambda there: {
            "type": type_,
            "config": config,
            "sendRecovery": False,
            "sslExpiry": True,
            "sslExpiryThreshold": 7,
            "subscriptions": [{"checkId": there["check"], "groupId": None, "activated": True}],
        },
        lambda _: {"type": type_, "config": {**config, "name": "Changed"}, "sendDegraded": True},
        key=_number,
        expected={"sendFailure": True, "autoSubscribe": False},
    )


CASES: dict[str, Case] = {
    **{kind: _check(kind, said) for kind, (_, said, _) in {**KINDS, **KEPT_KINDS}.items()},
    "playwright": Case(
        "/v1/checks",
        lambda there: {"name": "A", "locations": [EU], "codeBundlePath": there["bundle"]},
        lambda there: {"name": "B", "codeBundlePath": there["bundle"], "browsers": ["firefox"]},
        put="/v1/checks/playwright",
    ),
    "group of version 1": Case(
        "/v1/check-groups",
        lambda _: {"name": "Shop", "tags": ["a"], "locations": [EU], "concurrency": 7},
        lambda _: {"name": "Shop 2", "muted": True},
        key=_number,
    ),
    "group of version 2": Case(
        "/v2/check-groups",
        lambda _: {"name": "Shop", "tags": ["a"], "locations": [EU], "concurrency": 7},
        lambda _: {"name": "Shop 2", "runParallel": True},
        key=_number,
    ),
    "variable": Case(
        "/v1/variables",
        lambda _: {"key": "USER", "value": "ada", "locked": True},
        lambda _: {"value": "grace", "locked": False},
        key=lambda made: str(made["key"]),
    ),
    "snippet": Case(
        "/v1/snippets",
        lambda _: {"name": "Log in", "script": "login()"},
        lambda _: {"name": "Log out", "script": "logout()"},
        key=_number,
    ),
    "private location": Case(
        "/v1/private-locations",
        lambda there: {"name": "Lab", "slugName": there["name"], "icon": "beaker"},
        lambda _: {"name": "Laboratory", "icon": "home"},
        needs_admin=True,
    ),
    "client certificate": Case(
        "/v1/client-certificates",
        lambda there: {"host": "*.example", "cert": there["pair"].certificate, "key": there["pair"].key},
        None,
        hidden=frozenset({"key", "passphrase"}),
    ),
    "email": _channel("EMAIL", {"address": "a@example.org"}),
    "slack": _channel("SLACK", {"url": "https://hooks.example/1", "channel": "#ops"}),
    "slack app": _channel("SLACK_APP", {"slackChannels": ["#ops"]}),
    "webhook": _channel(
        "WEBHOOK",
        {
            "name": "Hook",
            "url": "https://hook.example",
            "method": "POST",
            "headers": [{"key": "X-Key", "value": "s3cret", "locked": True}],
            "queryParameters": [],
            "template": "{}",
            "webhookSecret": "s3cret",
        },
    ),
    "sms": _channel("SMS", {"number": "+31612345678", "name": "Ada"}),
    "call": _channel("CALL", {"number": "+31612345678", "name": "Ada"}),
    "pagerduty": _channel("PAGERDUTY", {"account": "a", "serviceName": "s", "serviceKey": "k"}),
    "opsgenie": _channel("OPSGENIE", {"name": "o", "apiKey": "k", "region": "EU", "priority": "P1"}),
    "maintenance window": Case(
        "/v1/maintenance-windows",
        _window,
        lambda _: {"name": "Day", "repeatInterval": 2, "tags": []},
        key=_number,
    ),
    "dashboard": Case(
        "/v1/dashboards",
        lambda there: {
            "header": "Shop",
            "description": "All of it",
            "customUrl": there["name"],
            "customDomain": f"{there['name']}.example",
            "logo": "https://shop.example/logo.png",
            "link": "",
            "width": "960PX",
            "refreshRate": 300,
            "paginationRate": 30,
            "checksPerPage": 20,
            "tags": ["a", "b"],
            "useTagsAndOperator": True,
            "customCSS": "body {}",
            "showP99": False,
        },
        lambda _: {"header": "Shop 2", "isPrivate": True, "tags": []},
        key=lambda made: str(made["dashboardId"]),
        expected={"paginate": True, "showHeader": True, "expandChecks": False, "showP95": True, "keys": []},
    ),
    "service": Case(
        "/v1/status-pages/services",
        lambda _: {"name": "Checkout"},
        lambda _: {"name": "Basket"},
        status=200,
    ),
    "status page": Case(
        "/v1/status-pages",
        _page,
        lambda there: {"name": "Shop 2", "url": there["name"], "cards": [{"name": "New", "services": []}]},
        expected={"version": None, "logoDark": None},
    ),
    "status page incident": Case(
        "/v1/status-pages/incidents",
        lambda there: _incident(
            there,
            incidentUpdates=[
                {
                    "description": "We look into it",
                    "status": "IDENTIFIED",
                    "notifySubscribers": True,
                    "publicIncidentUpdateDate": "2026-01-01T00:00:00.000Z",
                }
            ],
        ),
        lambda there: _incident(there, severity="MINOR"),
        expected={"lastUpdateStatus": "IDENTIFIED", "duration": None},
    ),
    "dashboard incident": Case(
        "/v1/incidents",
        lambda there: {
            "name": "Down",
            "impact": "MAJOR",
            "startedAt": "2026-01-01T00:00:00.000Z",
            "stoppedAt": None,
            "dashboardId": there["dashboard"],
            "incidentUpdates": [{"status": "INVESTIGATING", "description": "We look into it"}],
        },
        lambda _: {"name": "Up", "impact": "MINOR", "startedAt": None, "stoppedAt": None},
        status=200,
        lists=False,
    ),
}


async def _there(api: Api) -> There:
    assert api.account
    service = await api.post("/v1/status-pages/services", {"name": "Checkout"}, status=200)
    dashboard = await api.post("/v1/dashboards", {"header": "Board"})
    return {
        "account": str(api.account.id),
        "service": service["id"],
        "dashboard": dashboard["id"],
        "check": (await api.create_url_monitor())["id"],
        "bundle": await api.upload_bundle(),
        "pair": make_pair(),
        "name": f"x-{uuid4().hex[:20]}",
    }


@pytest.mark.parametrize("name", list(CASES))
async def test_what_is_written_is_read_and_changed_and_deleted(api: Api, stranger: Api, name: str) -> None:
    case, there = CASES[name], await _there(api)
    written = {key: value for key, value in case.create(there).items() if value != "" or key != "checkType"}
    made = await api.post(case.put or case.path, written, status=case.status)
    _holds(made, {**_shown(written, case), **case.expected})
    read_path = case.path.replace("v2/check-groups", "v1/check-groups")
    path = f"{read_path}/{case.key(made)}"
    read = await api.get(path)
    _holds(read, {**_shown(written, case), **case.expected})
    if case.lists:
        listed = await api.get(f"{read_path}?limit=100" if "?" not in read_path else read_path)
        entries = listed["entries"] if isinstance(listed, dict) else listed
        assert case.key(made) in [case.key(each) for each in entries]
        assert not isinstance(listed, dict) or (listed["length"], listed["nextId"]) == (len(entries), None)
    await stranger.get(path, status=404)
    if case.change is not None:
        said = case.change(there)
        put = f"{case.put or case.path}/{case.key(made)}"
        await stranger.put(put, said, status=404)
        changed = await api.put(put, said)
        _holds(changed, _shown(said, case))
        again = await api.get(path)
        _holds(again, _shown(said, case))
        assert again.get("created_at") == read.get("created_at")
        await _only_readers_are_refused(api, case, path, put, said)
    await stranger.delete(path, status=404)
    await api.delete(path)
    await api.get(path, status=404)
    await api.delete(path, status=404)


async def _only_readers_are_refused(api: Api, case: Case, path: str, put: str, said: Json) -> None:
    async with with_role(api, "READ_ONLY") as reader:
        await reader.get(path)
        await reader.put(put, said, status=403)
        await reader.delete(path, status=403)
    async with with_role(api, "READ_WRITE") as writer:
        await writer.put(put, said, status=403 if case.needs_admin else 200)


def _shown(written: Json, case: Case) -> Json:
    return {name: value for name, value in written.items() if name not in case.hidden}


def _holds(whole: Any, part: Any) -> None:
    """Whether everything said in ``part`` is said in ``whole``."""
    if isinstance(part, dict):
        for name, value in part.items():
            _holds(whole[name], value)
    elif isinstance(part, list):
        assert len(whole) == len(part)
        for one, other in zip(whole, part, strict=True):
            _holds(one, other)
    else:
        assert whole == part
