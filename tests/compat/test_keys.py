"""Keys that may not do what a command wants: the `checkly` command says so itself, and tells nothing else."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from tests.compat.checkly_rig import CONFIG, MONITOR, Done, Shell, Site
from tests.compat.test_account import KEPT, command_of, ids_of_the_account, last_incident
from tests.compat.versions import EVERY_VERSION, USUAL, with_versions
from tests.system.dev_server import LOCATION, DevServer

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("checkly"),
    with_versions(USUAL),
]

SECRETS = (
    "Hidden suite",
    "hidden-suite",
    "Front page",
    "ops@shop.test",
    "How we do",
    "HIDDEN_VARIABLE",
    "Slow",
)
"""What the account has, and no key of another account may hear of."""


@dataclass(frozen=True)
class Call:
    """A command. ``role``: the least that may do it, if not every key may.

    ``to_others``: what it says to a key of another account that names our ids, and how it then ends.
    """

    words: str
    role: str = ""
    to_others: str = ""
    code: int = 1


CALLS = [
    Call("whoami", to_others="Bellrock", code=0),
    Call("validate", to_others="valid", code=0),
    Call("checks list", to_others="No checks", code=0),
    Call("checks get {suite}", to_others="There is no check"),
    Call("checks get {front} --result {result}", to_others="There is no check"),
    Call("checks stats", to_others="No checks", code=0),
    Call("checks stats {suite}", to_others="No checks", code=0),
    Call("test-sessions list", to_others="No test sessions", code=0),
    Call("test-sessions get {session}", to_others="There is no test session"),
    Call("test-sessions get {session} --watch", to_others="There is no test session"),
    Call("test-sessions get {session} --result {session_result}", to_others="There is no test session"),
    Call("assets list --check-id {front} --result-id {result}", to_others="There is no check"),
    Call("assets download --check-id {front} --result-id {result} --dir kept", to_others="There is no check"),
    Call("alert-channels list", to_others="No alert channels", code=0),
    Call("alert-channels get {channel}", to_others="There is no alert channel"),
    Call("status-pages list", to_others="No status pages", code=0),
    Call("status-pages get {page}", to_others="There is no status page"),
    Call("incidents list", to_others="No incidents", code=0),
    Call("env ls", to_others="No environment variables", code=0),
    Call("account members --output json", to_others="@members.invalid", code=0),
    Call("account plan --output json", to_others="Playwright", code=0),
    Call("api /v1/checks/{suite}", to_others="There is no check"),
    Call("test", "READ_RUN"),
    Call("test --detach", "READ_RUN"),
    Call("test --no-record", "READ_RUN"),
    Call("pw-test", "READ_RUN"),
    Call("trigger --tags hidden", "READ_RUN", to_others="No matching checks were found"),
    Call("checks run --check-id {suite}", "READ_RUN", to_others="No matching checks"),
    Call("deploy --force", "READ_RUN"),
    Call("deploy --preview", "READ_RUN"),
    Call("import plan check:{front}", "READ_WRITE"),
    Call("env add ANOTHER 1", "READ_WRITE"),
    Call("env update HIDDEN_VARIABLE 2", "READ_WRITE", to_others="does not exist"),
    Call("env rm HIDDEN_VARIABLE --force", "READ_WRITE", to_others="does not exist"),
    Call(
        "incidents create --status-page-id {page} --title More --force",
        "READ_WRITE",
        to_others="There is no status page",
    ),
    Call(
        "incidents update {incident} --message Looking --force",
        "READ_WRITE",
        to_others="There is no status page incident",
    ),
    Call("incidents resolve {incident} --force", "READ_WRITE", to_others="There is no status page incident"),
    Call("checks delete {front} --force", "READ_WRITE", to_others="not found"),
    Call("destroy --force", "READ_WRITE", to_others="successfully deleted", code=0),
]
"""Every kind of command. By default some are tried with each key."""


@pytest.fixture
async def ids(shell: Shell, site: Site) -> Mapping[str, str]:
    """The ids of what the account has: one of everything that the commands name."""
    config = CONFIG.replace("'Shop suite'", "'Hidden suite'").replace("['shop']", "['hidden']")
    shell.write("checkly.config.js", config.replace("'shop-suite'", "'hidden-suite'"))
    shell.write("__checks__/front.check.js", MONITOR % site.url)
    shell.write("__checks__/kept.check.js", KEPT)
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    ids = await ids_of_the_account(shell, suite="Hidden suite")
    target = {"checkId": [ids["front"]]}
    started = await shell.dev.call("POST", "/v2/check-sessions/trigger", json={"target": target})
    await shell.dev.await_final(started["sessions"][0]["checkSessionId"], timeout_s=30)
    (result,) = await shell.dev.call("GET", f"/v1/check-results/{ids['front']}")
    asked = {"name": "Hidden session", "runLocation": LOCATION, "target": target}
    session = await shell.dev.call("POST", "/v1/test-sessions/trigger", json=asked)
    session_path = f"/v1/test-sessions/{session['testSessionId']}"
    await shell.dev.call("GET", f"{session_path}/completion?maxWaitSeconds=30")
    await shell.must(*f"incidents create --status-page-id {ids['page']} --title Slow --force".split())
    incident = await last_incident(shell)
    await shell.dev.call("POST", "/v1/variables", json={"key": "HIDDEN_VARIABLE", "value": "1"})
    return {
        **ids,
        "result": result["id"],
        "session": session["testSessionId"],
        "session_result": session["results"][0]["testSessionResultId"],
        "incident": incident["id"],
    }


@pytest.fixture
async def before(shell: Shell, ids: Mapping[str, str]) -> AsyncIterator[list[object]]:
    """What the account has, which must be the same afterwards; then it is removed."""
    found = await everything(shell.dev)
    yield found
    assert await everything(shell.dev) == found
    await shell.dev.call("DELETE", "/v1/variables/HIDDEN_VARIABLE")
    await shell.must("destroy", "--force")


async def everything(dev: DevServer) -> list[object]:
    paths = (
        *("/v1/checks", "/v1/variables", "/v1/alert-channels", "/v1/status-pages", "/v1/projects/shop"),
        *("/v1/test-sessions", "/v1/status-pages/incidents"),
    )
    return [await dev.call("GET", path) for path in paths]


@pytest.fixture
async def stranger(dev: DevServer) -> Mapping[str, str]:
    """The owner's credentials of another account of the server, as a start with preset ones makes it."""
    if "BELLROCK_ACCOUNT_ID" not in dev.variables:
        ours = dict(dev.credentials)
        dev.variables.update(BELLROCK_ACCOUNT_ID=str(uuid4()), BELLROCK_API_KEY=f"cu_{uuid4().hex}")
        await dev.stop()
        await dev.start()
        dev.credentials = ours
    return {
        "account_id": dev.variables["BELLROCK_ACCOUNT_ID"],
        "api_key": dev.variables["BELLROCK_API_KEY"],
    }


async def key_of(dev: DevServer, role: str) -> tuple[str, Mapping[str, str]]:
    """The id of a new key of the account, and its credentials."""
    made = await dev.call("POST", "/v1/api-keys", json={"name": role, "role": role})
    return made["id"], {**dev.credentials, "api_key": made["secret"]}


def tried(shell: Shell, calls: Sequence[Call]) -> list[Call]:
    """Of the commands that this version has, all or some."""
    known = [each for each in calls if shell.has(command_of(each.words))]
    return known if EVERY_VERSION else known[::5]


async def say(shell: Shell, calls: Sequence[Call], ids: Mapping[str, str]) -> dict[Call, tuple[int, str]]:
    """How each command ended, and what it said, on one line."""

    async def ask(call: Call) -> tuple[int, str]:
        done: Done = await shell.checkly(*call.words.format_map(ids).split())
        return done.returncode, " ".join(done.stdout.split())

    said = dict(zip(calls, await asyncio.gather(*map(ask, calls)), strict=True))
    for call, (code, text) in said.items():
        print(f"{call.words}: {code}: {text[-240:]}")  # noqa: T201
    return said


async def test_a_read_only_key_is_told_which_role_a_command_needs_and_a_revoked_one_that_it_is_not_known(
    shell: Shell, ids: Mapping[str, str], before: list[object]
) -> None:
    read_only_id, read_only = await key_of(shell.dev, "READ_ONLY")
    revoked_id, revoked = await key_of(shell.dev, "OWNER")
    await shell.dev.call("DELETE", f"/v1/api-keys/{revoked_id}")
    calls = tried(shell, [each for each in CALLS if each.role])
    for call, (code, text) in (await say(replace(shell, credentials=read_only), calls, ids)).items():
        assert code == 1, f"{call}: {text}"
        assert f"Your role READ_ONLY may not do this: it needs the role {call.role} or higher." in text, call
    await shell.dev.call("DELETE", f"/v1/api-keys/{read_only_id}")
    for call, (code, text) in (
        await say(replace(shell, credentials=revoked), tried(shell, CALLS), ids)
    ).items():
        assert code == 1, f"{call}: {text}"
        assert "Authentication failed" in text, call
        assert "This API key is not known." in text, call
        assert revoked["api_key"] not in text, call
        assert not [word for word in SECRETS if word in text], f"{call}: {text}"


async def test_a_key_of_another_account_has_no_access_to_this_one_and_finds_nothing_of_it(
    shell: Shell, ids: Mapping[str, str], before: list[object], stranger: Mapping[str, str]
) -> None:
    mixed_up = {**stranger, "account_id": shell.dev.credentials["account_id"]}
    for call, (code, text) in (
        await say(replace(shell, credentials=mixed_up), tried(shell, CALLS), ids)
    ).items():
        assert code == 1, f"{call}: {text}"
        assert "This API key has no access to the account" in text, call
        assert not [word for word in SECRETS if word in text], f"{call}: {text}"
    calls = tried(shell, [each for each in CALLS if each.to_others])
    for call, (code, text) in (await say(replace(shell, credentials=stranger), calls, ids)).items():
        assert code == call.code, f"{call}: {text}"
        assert call.to_others in text, f"{call}: {text}"
        assert not [word for word in SECRETS if word in text and word not in call.words], f"{call}: {text}"
