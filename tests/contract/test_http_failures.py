"""Servers that misbehave at every byte: each ends a check in time, with the right blame and code."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from bellrock.runner.executors.http import HttpProbes, hop
from bellrock.runner.executors.http.request import MOST_BODY_BYTES
from tests.support.probe_rig import Ended, ProbeRig
from tests.support.wild_server import OK, Behaviour, Visit, answers, redirect, response, serving
from tests.unit.runner.agent_rig import ISOLATION

CAP_S = 1.0
LATE_S = 0.8
MEGABYTE = 1024**2


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def rig(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProbeRig]:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setattr(hop, "authorities_file", lambda: str(tmp_path / "ca.pem"))
    probes = HttpProbes()
    yield ProbeRig(tmp_path, probes, ISOLATION)
    probes.close()


def tls_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def assert_failed(ended: Ended, code: str, *, blame: str = "target") -> None:
    assert (ended.verdict, ended.code, ended.blame) == ("FAILED", code, blame), ended.message
    assert ended.details["requestError"] + "." == ended.message
    assert ended.details["assertions"] == []


async def reset_at_once(visit: Visit) -> None:
    visit.reset()


async def reset_in_headers(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-")
    visit.reset()


async def reset_in_body(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    visit.reset()


async def close_at_once(visit: Visit) -> None:
    await visit.read()


async def hang_before_answer(visit: Visit) -> None:
    await visit.hang()


async def hang_in_headers(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await visit.hang()


async def hang_in_body(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await visit.hang()


async def drip_headers(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000):
        await visit.send(b"X-%d: a\r\n" % number)
        with suppress(TimeoutError):
            await asyncio.wait_for(visit.reader.read(1), 0.05)


async def endless_headers(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await visit.send(b"X-More: " + b"a" * 1000 + b"\r\n")


async def endless_body(visit: Visit) -> None:
    await visit.read()
    await visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await visit.send(b"a" * 65_536)


DAMAGED = bytearray(gzip.compress(bytes(range(256)) * 10))
DAMAGED[100:120] = b"\0" * 20
BOMB = gzip.compress(b"\0" * (MOST_BODY_BYTES + MEGABYTE))

MISBEHAVIOUR: dict[str, tuple[Behaviour, str]] = {
    "reset at once": (reset_at_once, "CONNECTION_LOST"),
    "reset in headers": (reset_in_headers, "CONNECTION_LOST"),
    "reset in body": (reset_in_body, "CONNECTION_LOST"),
    "close without answer": (close_at_once, "EMPTY_RESPONSE"),
    "close in body": (
        answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        "INCOMPLETE_RESPONSE",
    ),
    "close in chunk": (
        answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"),
        "INCOMPLETE_RESPONSE",
    ),
    "no last chunk": (
        answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        "INCOMPLETE_RESPONSE",
    ),
    "chunk without size": (
        answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhalf a loaf\r\n"),
        "BAD_RESPONSE",
    ),
    "length is no number": (answers(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello"), "BAD_RESPONSE"),
    "two lengths": (
        answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello"),
        "BAD_RESPONSE",
    ),
    "no HTTP at all": (answers(b"220 mail.example.org ESMTP\r\n"), "BAD_RESPONSE"),
    "headers without end": (endless_headers, "BAD_RESPONSE"),
    "gzip that is damaged": (
        answers(response(bytes(DAMAGED), headers="Content-Encoding: gzip")),
        "BAD_RESPONSE",
    ),
    "gzip that is none": (answers(response(b"hello", headers="Content-Encoding: gzip")), "BAD_RESPONSE"),
    "body without end": (endless_body, "RESPONSE_TOO_LARGE"),
    "gzip bomb": (answers(response(BOMB, headers="Content-Encoding: gzip")), "RESPONSE_TOO_LARGE"),
    "redirect to itself": (answers(redirect("/")), "TOO_MANY_REDIRECTS"),
    "redirect to a file": (answers(redirect("file:///etc/passwd")), "BAD_REDIRECT"),
    "redirect to no URL": (answers(redirect("http://[half/")), "BAD_REDIRECT"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
@pytest.mark.parametrize("kind", ["api", "url"])
async def test_what_a_server_does_wrong_is_the_targets_fault_and_has_its_code(
    rig: ProbeRig, kind: str, name: str
) -> None:
    behaviour, code = MISBEHAVIOUR[name]
    async with serving(behaviour) as server:
        ended = await (rig.api if kind == "api" else rig.url)(f"{server.url}/", cap_s=10)
    assert_failed(ended, code)
    assert ended.wall_s < 10


async def _full_backlog() -> tuple[socket.socket, list[socket.socket]]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):  # nobody accepts: from the third on, the kernel drops what comes
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        waiting.append(client)
    return listener, waiting


async def test_a_connection_that_is_never_made_ends_at_the_deadline_and_says_so(rig: ProbeRig) -> None:
    listener, waiting = await _full_backlog()
    try:
        ended = await rig.url(f"http://127.0.0.1:{listener.getsockname()[1]}/", cap_s=CAP_S)
    finally:
        for each in (listener, *waiting):
            each.close()
    assert_failed(ended, "REQUEST_TIMED_OUT")
    assert "the connection was still being made" in ended.message
    assert ended.response["timingPhases"]["tcp"] == pytest.approx(CAP_S * 1000, rel=0.2)
    assert CAP_S * 0.9 < ended.wall_s < CAP_S + LATE_S


@pytest.mark.parametrize(
    ("behaviour", "scheme", "phase", "said"),
    [
        (hang_before_answer, "https", "tcp", "the TLS handshake was still going on"),
        (hang_before_answer, "http", "firstByte", "nothing of the response had come"),
        (hang_in_headers, "http", "download", "the response was still coming"),
        (drip_headers, "http", "download", "the response was still coming, 0 bytes"),
        (hang_in_body, "http", "download", "the response was still coming, 4 bytes"),
    ],
)
async def test_a_server_that_hangs_is_left_at_the_deadline_and_where_it_hung_is_said(
    rig: ProbeRig, behaviour: Behaviour, scheme: str, phase: str, said: str
) -> None:
    async with serving(behaviour) as server:
        ended = await rig.api(f"{scheme}://127.0.0.1:{server.port}/", cap_s=CAP_S)
    assert_failed(ended, "REQUEST_TIMED_OUT")
    assert said in ended.message
    assert CAP_S * 0.9 < ended.wall_s < CAP_S + LATE_S
    phases = ended.response["timingPhases"]
    assert phases["total"] == pytest.approx(CAP_S * 1000, rel=0.3)
    assert set(phases) == {"wait", "dns", "tcp", "firstByte", "download", "total"}
    assert phases[phase] == pytest.approx(phases["total"], rel=0.1)


async def test_a_redirect_chain_shares_one_deadline(rig: ProbeRig) -> None:
    async def slow_redirect(visit: Visit) -> None:
        await visit.read()
        with suppress(TimeoutError):
            await asyncio.wait_for(visit.reader.read(1), 0.3)
        await visit.send(redirect("/again"))

    async with serving(slow_redirect) as server:
        ended = await rig.url(f"{server.url}/", cap_s=CAP_S)
    assert_failed(ended, "REQUEST_TIMED_OUT")
    assert ended.wall_s < CAP_S + LATE_S


async def test_a_closed_port_is_the_targets_fault(rig: ProbeRig) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        ended = await rig.api(f"http://127.0.0.1:{reserved.getsockname()[1]}/")
    assert_failed(ended, "CONNECTION_FAILED")


async def test_a_name_that_nobody_has_is_the_targets_fault(rig: ProbeRig) -> None:
    assert_failed(await rig.api("http://nobody.invalid/", cap_s=25), "DNS_FAILED")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://",
        "http://a b/",
        "http://[1/",
        "http://[ü/",
        "http://ü\0/",
        "file:///etc/passwd",
    ],
)
async def test_a_url_that_cannot_be_requested_is_the_checks_fault(rig: ProbeRig, url: str) -> None:
    assert_failed(await rig.api(url), "URL_INVALID", blame="check")
    assert_failed(await rig.url(url), "URL_INVALID", blame="check")


async def test_what_is_under_way_when_the_runner_ends_is_the_runners_fault(rig: ProbeRig) -> None:
    arrived = asyncio.Event()

    async def wait(visit: Visit) -> None:
        arrived.set()
        await visit.hang()

    async with serving(wait) as server:
        run = asyncio.create_task(rig.api(f"{server.url}/"))
        await asyncio.wait_for(arrived.wait(), 5)
        rig.probes.close()
        ended = await asyncio.wait_for(run, 5)
    assert (ended.verdict, ended.blame) == ("ERRORED", "runner")


async def test_a_runner_without_authorities_says_so_and_blames_nobody_else(
    rig: ProbeRig, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hop, "authorities_file", lambda: "/nowhere/ca.pem")
    async with serving(answers(OK), tls=tls_with(authority.issue_cert("127.0.0.1"))) as server:
        ended = await rig.api(f"{server.url}/")
        await asyncio.wait_for(server.visited.wait(), 5)
    assert (ended.verdict, ended.blame, ended.code) == ("ERRORED", "runner", "NO_AUTHORITIES")


LENIENT = {
    "HTTP/1.0 without length": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "HTTP/1.1 without length": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "more than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "after 100 Continue": b"HTTP/1.1 100 Continue\r\nX-First: 1\r\n\r\n" + OK,
    "no reason phrase": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "gzip": response(gzip.compress(b"hello"), headers="Content-Encoding: gzip"),
}


@pytest.mark.parametrize("name", LENIENT)
async def test_odd_responses_that_browsers_understand_pass(rig: ProbeRig, name: str) -> None:
    async with serving(answers(LENIENT[name])) as server:
        ended = await rig.api(f"{server.url}/")
    assert (ended.verdict, ended.response["body"], ended.response["bodyBytes"]) == ("PASSED", "hello", 5)
    assert "x-first" not in ended.response["headers"]


async def test_the_largest_body_that_is_allowed_passes(rig: ProbeRig) -> None:
    async with serving(answers(response(b"a" * MOST_BODY_BYTES))) as server:
        ended = await rig.api(f"{server.url}/")
    assert (ended.verdict, ended.response["bodyBytes"]) == ("PASSED", MOST_BODY_BYTES)
    assert len(ended.response["body"]) == 64 * 1024


@pytest.mark.parametrize(("status", "keeps"), [(200, False), (500, True)])
async def test_of_a_monitor_on_its_schedule_the_body_is_kept_where_something_is_wrong(
    rig: ProbeRig, status: int, keeps: bool
) -> None:
    rig.context = {"CHECKLY_RUN_SOURCE": "SCHEDULER"}
    page = b"HTTP/1.1 %d So\r\nContent-Length: 5\r\n\r\nhello" % status
    async with serving(answers(page)) as server:
        ended = await rig.url(f"{server.url}/")
    assert (ended.response["body"], ended.response["bodyBytes"]) == ("hello" if keeps else "", 5)


async def test_a_person_gets_the_body_of_what_passed(rig: ProbeRig) -> None:
    rig.context = {"CHECKLY_RUN_SOURCE": "TRIGGER_API"}
    async with serving(answers(OK)) as server:
        ended = await rig.url(f"{server.url}/")
    assert ended.response["body"] == "hello"


def expired(authority: trustme.CA) -> trustme.LeafCert:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return authority.issue_cert("127.0.0.1", not_before=yesterday - timedelta(days=9), not_after=yesterday)


CERTIFICATES: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "self-signed": lambda _: trustme.CA().issue_cert("127.0.0.1"),
    "expired": expired,
    "of another host": lambda authority: authority.issue_cert("other.example.org"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
async def test_a_certificate_that_is_not_valid_fails_unless_the_check_skips_it(
    rig: ProbeRig, authority: trustme.CA, name: str
) -> None:
    async with serving(answers(OK), tls=tls_with(CERTIFICATES[name](authority))) as server:
        strict = await rig.api(f"{server.url}/")
        lax = await rig.api(f"{server.url}/", skip_ssl=True)
    assert_failed(strict, "CERTIFICATE_INVALID")
    assert lax.verdict == "PASSED"


async def test_a_server_that_speaks_no_tls_fails_in_the_handshake(rig: ProbeRig) -> None:
    async with serving(answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        ended = await rig.api(f"https://127.0.0.1:{server.port}/", cap_s=5)
    assert ended.code in ("TLS_FAILED", "REQUEST_TIMED_OUT")
    assert ended.blame == "target"


async def test_every_check_makes_its_own_connection_and_verifies_the_certificate_anew(
    rig: ProbeRig, authority: trustme.CA
) -> None:
    handshakes: list[bool] = []

    async def note(visit: Visit) -> None:
        handshakes.append(visit.writer.get_extra_info("ssl_object").session_reused)
        await visit.read()
        await visit.send(OK)

    async with serving(note, tls=tls_with(authority.issue_cert("127.0.0.1"))) as server:
        ends = [await rig.api(f"{server.url}/") for _ in range(3)]
    assert [end.verdict for end in ends] == ["PASSED"] * 3
    assert handshakes == [False] * 3


async def test_one_server_that_hangs_holds_up_no_other_check(rig: ProbeRig) -> None:
    async with serving(hang_before_answer) as bad, serving(answers(OK)) as good:
        hanging = [asyncio.create_task(rig.api(f"{bad.url}/", cap_s=5)) for _ in range(20)]
        ends = await asyncio.gather(*(rig.api(f"{good.url}/") for _ in range(20)))
        assert [end.verdict for end in ends] == ["PASSED"] * 20
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_run_that_is_taken_away_closes_its_connection(rig: ProbeRig) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def wait(visit: Visit) -> None:
        arrived.set()
        await visit.hang()
        gone.set()

    async with serving(wait) as server:
        run = asyncio.create_task(rig.api(f"{server.url}/"))
        await asyncio.wait_for(arrived.wait(), 5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await asyncio.wait_for(gone.wait(), 5)
