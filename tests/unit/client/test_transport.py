import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from bellrock.client.errors import ApiError, OddAnswer, Unreachable
from bellrock.client.transport import ATTEMPTS, Server, Transport
from tests.support.server import free_port
from tests.unit.client.scripted_server import Answer, Request, Script, scripted_server

ACCOUNT = UUID("11111111-1111-4111-8111-111111111111")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bellrock.client.transport._FIRST_WAIT_S", 0.0)


@asynccontextmanager
async def serving(
    answer: Callable[[Request, int], Answer],
) -> AsyncIterator[tuple[Script, Transport]]:
    with scripted_server(answer) as script:
        async with Transport(Server(script.url, "cu_key", ACCOUNT)) as transport:
            yield script, transport


async def test_requests_carry_key_account_and_source() -> None:
    async with serving(lambda *_: Answer(body=b"[]")) as (script, transport):
        await transport.get("/v1/checks", query={"tag": ("a", "b"), "search": None})
    headers = script.requests[0].headers
    assert script.requests[0].path == "/v1/checks?tag=a&tag=b"
    assert headers["authorization"] == "Bearer cu_key"
    assert headers["x-checkly-account"] == str(ACCOUNT)
    assert headers["x-checkly-source"] == "CLI"


@pytest.mark.parametrize("bad", [Answer(429), Answer(502), Answer(503), Answer(504), Answer(cut=True)])
async def test_a_get_is_tried_again_after_a_broken_connection_and_when_the_server_asks_for_it(
    bad: Answer,
) -> None:
    async with serving(lambda _, number: bad if number < 2 else Answer(body=b'"done"')) as (
        script,
        transport,
    ):
        assert await transport.get("/v1/checks") == "done"
    assert len(script.requests) == 3


@pytest.mark.parametrize("bad", [Answer(429), Answer(503), Answer(cut=True)])
async def test_a_post_is_never_tried_again(bad: Answer) -> None:
    async with serving(lambda *_: bad) as (script, transport):
        with pytest.raises((ApiError, Unreachable)):
            await transport.post("/v1/test-sessions/run", {"name": "x"})
    assert len(script.requests) == 1


async def test_a_get_gives_up_after_the_last_attempt() -> None:
    async with serving(lambda *_: Answer(503)) as (script, transport):
        with pytest.raises(ApiError):
            await transport.get("/v1/checks")
    assert len(script.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 500])
async def test_a_refusal_carries_the_servers_own_words_and_is_not_asked_again(status: int) -> None:
    body = json.dumps(
        {"statusCode": status, "error": "No", "message": "frequency is not allowed", "errorCode": "X"}
    )
    async with serving(lambda *_: Answer(status, body.encode())) as (script, transport):
        with pytest.raises(ApiError) as raised:
            await transport.get("/v1/checks")
    assert (raised.value.message, raised.value.status, raised.value.code) == (
        "frequency is not allowed",
        status,
        "X",
    )
    assert len(script.requests) == 1


async def test_a_refusal_without_words_names_path_and_status() -> None:
    async with serving(lambda *_: Answer(404, b"<html>")) as (_, transport):
        with pytest.raises(ApiError, match=r"/v1/nothing answered 404 Not Found"):
            await transport.get("/v1/nothing")


async def test_an_answer_that_is_no_json_is_not_bellrocks() -> None:
    async with serving(lambda *_: Answer(body=b"<html>hello")) as (_, transport):
        with pytest.raises(OddAnswer, match="is it Bellrock"):
            await transport.get("/v1/checks")


async def test_nobody_listening_is_said_with_the_address() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    async with Transport(Server(address, "cu_key")) as transport:
        with pytest.raises(Unreachable, match=address):
            await transport.get("/v1/checks")


def test_a_key_is_never_shown() -> None:
    assert "cu_key" not in repr(Server("http://127.0.0.1", "cu_key"))
