"""What API checks and URL monitors send, and what they make of the response, on real connections."""

import base64
import json
import ssl
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bellrock.domain.checks import EnvironmentVariable
from bellrock.domain.specs import Assertion, BasicAuth, BodyType, HostCertificate, IpFamily, KeyValue
from bellrock.runner.executors.http import HttpProbes, hop
from bellrock.runner.network import NetworkGuard, NetworkPolicy
from tests.support.probe_rig import ProbeRig
from tests.support.wild_server import OK, Visit, WildServer, answers, redirect, response, serving
from tests.unit.runner.agent_rig import ISOLATION

ONE_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


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


@pytest.fixture
async def shop() -> AsyncIterator[WildServer]:
    async with serving(answers(OK)) as server:
        yield server


def header(**pairs: str) -> tuple[KeyValue, ...]:
    return tuple(KeyValue(name.replace("_", "-"), value) for name, value in pairs.items())


# --- what is sent ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"])
async def test_every_method_arrives_as_itself(rig: ProbeRig, shop: WildServer, method: str) -> None:
    ended = await rig.api(f"{shop.url}/", method=method)
    assert (ended.verdict, ended.details["request"]["method"]) == ("PASSED", method)
    (asked,) = shop.asked
    assert (asked.method, asked.body) == (method, b"")
    assert "content-type" not in asked.headers
    has_length = method in ("POST", "PUT", "PATCH")
    assert asked.headers.get("content-length") == ("0" if has_length else None)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_every_method_but_head_can_have_a_body(rig: ProbeRig, shop: WildServer, method: str) -> None:
    await rig.api(f"{shop.url}/", method=method, body="hello", body_type=BodyType.RAW)
    assert [(one.method, one.body) for one in shop.asked] == [(method, b"hello")]


BODIES = {
    BodyType.JSON: ('{"a": 1}', "application/json", b'{"a": 1}'),
    BodyType.FORM: ("a=1&b=2", "application/x-www-form-urlencoded", b"a=1&b=2"),
    BodyType.RAW: ("grüße", "text/plain", "grüße".encode()),
    BodyType.GRAPHQL: ("{ me { name } }", "application/json", b'{"query": "{ me { name } }"}'),
    BodyType.NONE: ("not sent", None, b""),
}


@pytest.mark.parametrize("body_type", BODIES)
async def test_a_body_type_has_its_content_type_unless_a_header_says_another(
    rig: ProbeRig, shop: WildServer, body_type: BodyType
) -> None:
    body, content_type, sent = BODIES[body_type]
    await rig.api(f"{shop.url}/", method="POST", body=body, body_type=body_type)
    own = header(content_type="application/vnd.own")
    await rig.api(f"{shop.url}/", method="POST", body=body, body_type=body_type, headers=own)
    assert [one.body for one in shop.asked] == [sent, sent]
    assert shop.asked[0].headers.get("content-type") == content_type
    assert shop.asked[1].headers["content-type"] == "application/vnd.own"


async def test_a_graphql_message_is_sent_as_it_is(rig: ProbeRig, shop: WildServer) -> None:
    message = '{"query": "query Q($a: Int) { a }", "variables": {"a": 1}}'
    await rig.api(f"{shop.url}/", method="POST", body=message, body_type=BodyType.GRAPHQL)
    assert shop.asked[0].body.decode() == message


async def test_a_large_body_is_sent_without_asking_first(rig: ProbeRig, shop: WildServer) -> None:
    body = "a" * 2_000_000
    ended = await rig.api(f"{shop.url}/", method="POST", body=body, body_type=BodyType.RAW)
    assert (ended.verdict, len(shop.asked[0].body)) == ("PASSED", len(body))
    assert "expect" not in shop.asked[0].headers
    assert len(ended.details["request"]["data"]) == 64 * 1024


async def test_query_parameters_come_after_the_urls_own(rig: ProbeRig, shop: WildServer) -> None:
    query = (KeyValue("q", "a b&c=d+e"), KeyValue("q", "100%"), KeyValue("ö", "ü"), KeyValue("none", ""))
    ended = await rig.api(f"{shop.url}/find?own=1#part", query=query)
    assert shop.asked[0].target == "/find?own=1&q=a%20b%26c%3Dd%2Be&q=100%25&%C3%B6=%C3%BC&none="
    assert ended.details["request"]["params"]["none"] == ""


async def test_headers_arrive_with_and_without_a_value_and_more_than_once(
    rig: ProbeRig, shop: WildServer
) -> None:
    seen: list[bytes] = []

    async def note(visit: Visit) -> None:
        seen.append(await visit.reader.readuntil(b"\r\n\r\n"))
        await visit.send(OK)

    headers = (KeyValue("X-Two", "1"), KeyValue("X-Two", "2"), KeyValue("X-Empty", ""), KeyValue("X-Ü", "ü"))
    async with serving(note) as server:
        await rig.api(f"{server.url}/", headers=headers[:3])
        refused = await rig.api(f"{server.url}/", headers=headers)
    head = seen[0].decode()
    assert "X-Two: 1\r\nX-Two: 2\r\nX-Empty:\r\n" in head
    assert "user-agent: bellrock" in head.lower()
    assert (refused.code, refused.blame, len(seen)) == ("BAD_HEADER", "check", 1)


async def test_a_variable_with_a_line_break_smuggles_no_header_in(rig: ProbeRig, shop: WildServer) -> None:
    rig.environment = (EnvironmentVariable("TOKEN", "a\r\nX-Evil: 1"),)
    raw = await rig.api(f"{shop.url}/", headers=header(authorization="Bearer {{{TOKEN}}}"))
    assert (raw.code, raw.blame, shop.connections) == ("BAD_HEADER", "check", 0)
    await rig.api(f"{shop.url}/", headers=header(authorization="Bearer {{TOKEN}}"))
    assert shop.asked[0].headers["authorization"] == "Bearer a%0D%0AX-Evil:%201"


async def test_basic_authentication_takes_any_name_and_password(rig: ProbeRig, shop: WildServer) -> None:
    rig.environment = (EnvironmentVariable("PASSWORD", "pä:ss"),)
    await rig.api(f"{shop.url}/", basic_auth=BasicAuth("a:b", "{{{PASSWORD}}}"))
    await rig.api(f"{shop.url}/", basic_auth=BasicAuth())
    sent = shop.asked[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "a:b:pä:ss"
    assert "authorization" not in shop.asked[1].headers


async def test_a_login_with_a_nul_is_the_checks_fault(rig: ProbeRig, shop: WildServer) -> None:
    rig.environment = (EnvironmentVariable("PASSWORD", "a\0b"),)
    ended = await rig.api(f"{shop.url}/", basic_auth=BasicAuth("ada", "{{{PASSWORD}}}"))
    assert (ended.code, ended.blame, shop.connections) == ("BAD_LOGIN", "check", 0)


async def test_variables_are_filled_in_everywhere_encoded_or_raw(rig: ProbeRig, shop: WildServer) -> None:
    rig.environment = (
        EnvironmentVariable("GROUP_BASE_URL", f"{shop.url}/{{{{VERSION}}}}"),
        EnvironmentVariable("VERSION", "v1"),
        EnvironmentVariable("NAME", "a b"),
    )
    ended = await rig.api(
        "{{GROUP_BASE_URL}}/{{NAME}}",
        method="POST",
        body='["{{NAME}}", "{{{NAME}}}", "{{{REQUEST_URL}}}"]',
        body_type=BodyType.JSON,
        headers=header(x_name="{{NAME}}, {{{NAME}}}", x_none="{{NOBODY}}"),
        query=header(q="{{NAME}}", r="{{{NAME}}}"),
    )
    assert ended.verdict == "PASSED", ended.message
    (asked,) = shop.asked
    assert asked.target == "/v1/a%20b?q=a%20b&r=a%20b"
    assert json.loads(asked.body) == ["a%20b", "a b", f"{shop.url}/v1/a%20b"]
    assert (asked.headers["x-name"], asked.headers["x-none"]) == ("a%20b, a b", "")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"headers": header(x_a="{{#each}}")}, "the header x-a"),
        ({"body": "{{", "body_type": BodyType.RAW}, "the body"),
        ({"query": header(q="{{#if}}")}, "the query parameter q"),
        ({"basic_auth": BasicAuth("{{", "")}, "basic authentication's name"),
    ],
)
async def test_a_template_that_is_wrong_is_the_checks_fault_and_names_its_field(
    rig: ProbeRig, shop: WildServer, request_: Mapping[str, Any], field: str
) -> None:
    ended = await rig.api(f"{shop.url}/", **request_)
    assert (ended.verdict, ended.code, ended.blame) == ("FAILED", "BAD_TEMPLATE", "check")
    assert field in ended.message
    assert shop.connections == 0


async def test_blanks_and_umlauts_in_a_url_are_encoded(rig: ProbeRig, shop: WildServer) -> None:
    for probe in (rig.api, rig.url):
        assert (await probe(f"{shop.url}/über uns?q=ä")).verdict == "PASSED"
    assert [one.target for one in shop.asked] == ["/%C3%BCber%20uns?q=%C3%A4"] * 2


async def test_only_the_chosen_family_of_addresses_is_used(rig: ProbeRig, shop: WildServer) -> None:
    four = await rig.api(f"http://localhost:{shop.port}/", ip_family=IpFamily.V4)
    six = await rig.api(f"http://localhost:{shop.port}/", ip_family=IpFamily.V6)
    assert (four.verdict, four.response["ip"]) == ("PASSED", "127.0.0.1")
    assert six.code in ("CONNECTION_FAILED", "DNS_FAILED")


# --- redirects ---------------------------------------------------------------------------------

KEPT = ("POST", b"hello")
FORGOTTEN = ("GET", b"")


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", FORGOTTEN),
        (302, "POST", FORGOTTEN),
        (303, "POST", FORGOTTEN),
        (307, "POST", KEPT),
        (308, "POST", KEPT),
        (301, "PUT", ("PUT", b"hello")),
        (302, "DELETE", ("DELETE", b"hello")),
        (303, "PUT", FORGOTTEN),
        (303, "DELETE", FORGOTTEN),
        (307, "PATCH", ("PATCH", b"hello")),
    ],
)
async def test_a_redirect_keeps_method_and_body_as_in_browsers(
    rig: ProbeRig, status: int, method: str, then: tuple[str, bytes]
) -> None:
    async with serving(answers(redirect("/there", status), OK)) as server:
        ended = await rig.api(f"{server.url}/", method=method, body="hello", body_type=BodyType.RAW)
    first, second = server.asked
    assert (first.method, first.body) == (method, b"hello")
    assert (second.method, second.body, second.target) == (*then, "/there")
    assert ("content-type" in second.headers) is (then[1] != b"")
    assert (ended.verdict, ended.response["redirects"]) == ("PASSED", 1)
    assert ended.response["url"] == f"{server.url}/there"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_head_stays_head(rig: ProbeRig, status: int) -> None:
    async with serving(answers(redirect("/there", status), OK)) as server:
        await rig.api(f"{server.url}/", method="HEAD")
    assert [one.method for one in server.asked] == ["HEAD", "HEAD"]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("next", "/folder/next"),
        ("//127.0.0.1:{port}/x", "/x"),
        ("?q=1", "/folder/page?q=1"),
        ("/grüße and more", "/gr%C3%BC%C3%9Fe%20and%20more"),
        ("/a#part", "/a"),
    ],
)
async def test_a_redirects_location_is_read_as_browsers_do(rig: ProbeRig, location: str, target: str) -> None:
    async def moved(visit: Visit) -> None:
        asked = await visit.read()
        first = asked.target == "/folder/page"
        there = location.format(port=visit.server.port)
        await visit.send(redirect(there) if first else OK)

    async with serving(moved) as server:
        ended = await rig.api(f"{server.url}/folder/page")
    assert (ended.verdict, server.asked[-1].target) == ("PASSED", target), ended.message


async def test_a_redirect_is_the_response_where_it_is_not_to_be_followed(rig: ProbeRig) -> None:
    async with serving(answers(redirect("/there"))) as server:
        for probe in (rig.api, rig.url):
            ended = await probe(f"{server.url}/", follow_redirects=False)
            assert (ended.verdict, ended.response["status"]) == ("PASSED", 302)
            assert ended.response["headers"]["location"] == "/there"
    assert len(server.asked) == 2


async def test_credentials_do_not_follow_to_another_origin(rig: ProbeRig, shop: WildServer) -> None:
    headers = header(authorization="Bearer abc", cookie="a=1", x_other="stays")
    moved = redirect(f"{shop.url}/there")
    async with serving(answers(redirect("/here"), moved)) as server:
        await rig.api(f"{server.url}/", headers=headers)
        await rig.api(f"{server.url}/", basic_auth=BasicAuth("ada", "pw"))
    assert [one.headers.get("authorization") for one in server.asked[:2]] == ["Bearer abc"] * 2
    for asked in shop.asked:
        assert "authorization" not in asked.headers
        assert "cookie" not in asked.headers
    assert shop.asked[0].headers["x-other"] == "stays"


async def test_phases_add_up_over_redirects(rig: ProbeRig) -> None:
    async with serving(answers(redirect("/a"), redirect("/b"), OK)) as server:
        ended = await rig.api(f"{server.url}/")
    phases, timings = ended.response["timingPhases"], ended.response["timings"]
    parts = sum(phases[name] for name in ("wait", "dns", "tcp", "firstByte", "download"))
    assert parts == pytest.approx(phases["total"], abs=0.01)
    assert timings["end"] == pytest.approx(phases["total"], abs=0.01)
    ordered = [timings[name] for name in ("socket", "lookup", "connect", "response", "end")]
    assert ordered == sorted(ordered)
    assert ended.report.response_time_ms == round(phases["total"])


# --- client certificates -----------------------------------------------------------------------


@pytest.fixture
async def strict(authority: trustme.CA) -> AsyncIterator[tuple[WildServer, list[str]]]:
    """A server that asks for a certificate, and the names that it was shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    shown: list[str] = []

    async def note(visit: Visit) -> None:
        subject = visit.writer.get_extra_info("peercert")["subjectAltName"]
        shown.append(subject[0][1])
        await visit.read()
        await visit.send(OK)

    async with serving(note, tls=context) as server:
        yield server, shown


def certificate(authority: trustme.CA, name: str, host: str, **more: str) -> HostCertificate:
    leaf = authority.issue_cert(name)
    cert = "".join(blob.bytes().decode() for blob in leaf.cert_chain_pems)
    key = leaf.private_key_pem.bytes().decode()
    if passphrase := more.get("passphrase"):
        loaded = load_pem_private_key(key.encode(), None)
        locked = BestAvailableEncryption(passphrase.encode())
        key = loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()
    return HostCertificate(host, cert, key, **more)


async def test_the_newest_certificate_whose_host_matches_is_shown_and_a_full_host_beats_a_wildcard(
    rig: ProbeRig, authority: trustme.CA, strict: tuple[WildServer, list[str]]
) -> None:
    server, shown = strict
    full = [certificate(authority, f"full{number}.example.org", "127.0.0.1") for number in (1, 2)]
    wild = [certificate(authority, f"wild{number}.example.org", "127.0.*") for number in (1, 2)]
    other = certificate(authority, "other.example.org", "*.example.org")
    for chosen in ((*wild, other), (*full, *wild, other), (full[0], other)):
        ended = await rig.api(f"{server.url}/", job={"client_certificates": chosen})
        assert ended.verdict == "PASSED", ended.message
    assert shown == ["wild2.example.org", "full2.example.org", "full1.example.org"]


async def test_without_a_certificate_for_its_host_a_server_that_needs_one_refuses(
    rig: ProbeRig, authority: trustme.CA, strict: tuple[WildServer, list[str]]
) -> None:
    server, shown = strict
    other = certificate(authority, "other.example.org", "*.example.org")
    ended = await rig.api(f"{server.url}/", job={"client_certificates": (other,)})
    assert (ended.verdict, ended.blame, shown) == ("FAILED", "target", [])
    assert ended.code in ("CONNECTION_LOST", "TLS_FAILED", "EMPTY_RESPONSE")


async def test_a_locked_key_opens_with_its_passphrase_and_is_the_checks_fault_without(
    rig: ProbeRig, authority: trustme.CA, strict: tuple[WildServer, list[str]]
) -> None:
    server, shown = strict
    locked = certificate(authority, "locked.example.org", "*", passphrase="open sesame")
    ended = await rig.api(f"{server.url}/", job={"client_certificates": (locked,)})
    assert (ended.verdict, shown) == ("PASSED", ["locked.example.org"])
    for passphrase in ("", "wrong"):
        wrong = HostCertificate("*", locked.cert, locked.key, passphrase=passphrase)
        ended = await rig.api(f"{server.url}/", job={"client_certificates": (wrong,)})
        assert (ended.code, ended.blame) == ("CLIENT_CERTIFICATE_INVALID", "check"), ended.message


async def test_a_certificates_own_authority_is_trusted_besides_the_known_ones(
    rig: ProbeRig, authority: trustme.CA
) -> None:
    private = trustme.CA()
    contexts = []
    for issuer in (private, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert("127.0.0.1").configure_cert(context)
        contexts.append(context)
    own = certificate(authority, "a.example.org", "127.0.0.1", ca=private.cert_pem.bytes().decode())
    async with serving(answers(OK), tls=contexts[0]) as odd, serving(answers(OK), tls=contexts[1]) as known:
        without = await rig.api(f"{odd.url}/")
        ends = [await rig.api(f"{one.url}/", job={"client_certificates": (own,)}) for one in (odd, known)]
    assert without.code == "CERTIFICATE_INVALID"
    assert [end.verdict for end in ends] == ["PASSED", "PASSED"], ends[0].message


# --- the network policy ------------------------------------------------------------------------


@pytest.fixture
async def guarded(tmp_path: Path, shop: WildServer) -> AsyncIterator[ProbeRig]:
    """A runner that must not reach the shop's port on any address of its machine."""
    probes = HttpProbes()
    guard = NetworkGuard(NetworkPolicy(deny_here=(shop.port,)))
    yield ProbeRig(tmp_path, probes, ISOLATION, guard=guard)
    probes.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1.2.3", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"]
)
async def test_what_the_network_policy_refuses_is_not_connected_to(
    guarded: ProbeRig, shop: WildServer, host: str
) -> None:
    family = IpFamily.V6 if host.startswith("[") else IpFamily.V4
    for probe in (guarded.api, guarded.url):
        ended = await probe(f"http://{host}:{shop.port}/", ip_family=family)
        assert (ended.code, ended.blame) == ("DESTINATION_REFUSED", "check"), ended.message
    assert shop.connections == 0


async def test_a_redirect_does_not_lead_around_the_network_policy(
    guarded: ProbeRig, shop: WildServer
) -> None:
    async with serving(answers(redirect(f"{shop.url}/secret"))) as server:
        ended = await guarded.api(f"{server.url}/")
    assert (ended.code, ended.blame, shop.connections) == ("DESTINATION_REFUSED", "target", 0)


async def test_credentials_of_clouds_are_out_of_reach(guarded: ProbeRig) -> None:
    ended = await guarded.api("http://169.254.169.254/latest/meta-data/", cap_s=5)
    assert ended.code == "DESTINATION_REFUSED"
    assert "169.254.169.254, port 80" in ended.message


async def test_what_the_network_policy_does_not_name_is_reached(guarded: ProbeRig) -> None:
    async with serving(answers(OK)) as server:
        assert (await guarded.api(f"{server.url}/")).verdict == "PASSED"


# --- what the response means -------------------------------------------------------------------

JSON = response(
    b'{"items": [{"id": 1}, {"id": 2}], "name": "shop", "odd": "\\ud800\\u0000"}',
    content_type="application/json; charset=utf-8",
    headers="X-Version: build-42\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2",
)
HOLDS = [
    Assertion("STATUS_CODE", "EQUALS", "200"),
    Assertion("JSON_BODY", "EQUALS", "shop", "$.name"),
    Assertion("JSON_BODY", "GREATER_THAN", "0", "$.items[*].id"),
    Assertion("JSON_BODY", "EQUALS", "2", "$.items.length"),
    Assertion("HEADERS", "EQUALS", "build-42", "x-version"),
    Assertion("HEADERS", "EQUALS", "42", "X-Version", r"build-(\d+)"),
    Assertion("HEADERS", "CONTAINS", "b=2", "set-cookie"),
    Assertion("HEADERS", "IS_EMPTY", "", "x-nothing"),
    Assertion("TEXT_BODY", "CONTAINS", "shop"),
    Assertion("TEXT_BODY", "EQUALS", "shop", r'"name": "(\w+)"'),
    Assertion("RESPONSE_TIME", "LESS_THAN", "20000"),
]


@pytest.mark.parametrize("assertion", HOLDS, ids=lambda one: f"{one.source} {one.comparison} {one.property}")
async def test_an_assertion_that_holds_passes_and_its_opposite_fails(
    rig: ProbeRig, assertion: Assertion
) -> None:
    opposite = Assertion(
        assertion.source,
        _OPPOSITES[assertion.comparison],
        assertion.target,
        assertion.property,
        assertion.regex,
    )
    async with serving(answers(JSON)) as server:
        holds = await rig.api(f"{server.url}/", assertions=(assertion,))
        fails = await rig.api(f"{server.url}/", assertions=(assertion, opposite))
    assert holds.verdict == "PASSED", holds.message
    assert (fails.verdict, fails.code, fails.blame) == ("FAILED", "ASSERTION_FAILED", "target")
    assert [one["error"] is None for one in fails.details["assertions"]] == [True, False]


_OPPOSITES = {
    "EQUALS": "NOT_EQUALS",
    "CONTAINS": "NOT_CONTAINS",
    "GREATER_THAN": "LESS_THAN",
    "LESS_THAN": "GREATER_THAN",
    "IS_EMPTY": "NOT_EMPTY",
}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": NaN}', b"[" * 200_000, b'{"a": 1', b"\xff\xfe{"])
async def test_a_body_that_is_no_json_is_a_failed_assertion_that_says_so(rig: ProbeRig, body: bytes) -> None:
    async with serving(answers(response(body))) as server:
        ended = await rig.api(
            f"{server.url}/", assertions=(Assertion("JSON_BODY", "NOT_EQUALS", "1", "$.a"),)
        )
    assert (ended.code, ended.blame) == ("ASSERTION_FAILED", "target")
    assert "The body is no JSON" in ended.message


@pytest.mark.parametrize(
    "assertion",
    [
        Assertion("JSON_BODY", "EQUALS", "1", "items"),
        Assertion("JSON_BODY", "EQUALS", "1", "$.items["),
        Assertion("TEXT_BODY", "EQUALS", "1", "("),
        Assertion("HEADERS", "EQUALS", "1"),
        Assertion("RESPONSE_TIME", "LESS_THAN", "soon"),
        Assertion("LATENCY", "LESS_THAN", "1"),
        Assertion("STATUS_CODE", "RESEMBLES", "200"),
    ],
    ids=lambda one: f"{one.source} {one.property}",
)
async def test_an_assertion_that_cannot_be_checked_is_the_checks_fault(
    rig: ProbeRig, assertion: Assertion
) -> None:
    async with serving(answers(JSON)) as server:
        ended = await rig.api(f"{server.url}/", assertions=(assertion,))
    assert (ended.verdict, ended.code, ended.blame) == ("FAILED", "BAD_ASSERTION", "check")


async def test_values_that_no_database_takes_are_reported_without_harm(rig: ProbeRig) -> None:
    asserted = Assertion("JSON_BODY", "EQUALS", "x", "$.odd")
    async with serving(answers(JSON)) as server:
        ended = await rig.api(f"{server.url}/", assertions=(asserted,))
    assert ended.code == "ASSERTION_FAILED"
    assert ended.details["assertions"][0]["actual"] == "\ufffd\ufffd"


async def test_a_slow_regular_expression_is_given_up_while_other_checks_go_on(
    rig: ProbeRig, shop: WildServer
) -> None:
    asserted = Assertion("TEXT_BODY", "EQUALS", "x", "(a+)+$")
    async with serving(answers(response(b"a" * 40 + b"!"))) as server:
        ended = await rig.api(f"{server.url}/", assertions=(asserted,))
    assert ended.code in ("BAD_ASSERTION", "ASSERTION_FAILED")
    assert ended.wall_s < 5


@pytest.mark.parametrize("kind", ["api", "url"])
@pytest.mark.parametrize(
    ("status", "should_fail", "verdict"),
    [
        ("200 OK", False, "PASSED"),
        ("200 OK", True, "PASSED"),
        ("404 Not Found", False, "FAILED"),
        ("404 Not Found", True, "PASSED"),
        ("503 Busy", True, "PASSED"),
    ],
)
async def test_should_fail_lets_error_statuses_pass(
    rig: ProbeRig, kind: str, status: str, should_fail: bool, verdict: str
) -> None:
    probe = rig.api if kind == "api" else rig.url
    async with serving(answers(response(b"x", status=status))) as server:
        ended = await probe(f"{server.url}/", should_fail=should_fail)
    assert ended.verdict == verdict
    assert ended.response["statusText"] == status[4:]
    if verdict == "FAILED":
        assert (ended.code, ended.blame) == ("STATUS_CODE", "target")


async def test_should_fail_does_not_excuse_a_server_that_is_not_there(rig: ProbeRig) -> None:
    async with serving(answers(b"")) as server:
        ended = await rig.api(f"{server.url}/", should_fail=True)
    assert (ended.verdict, ended.code) == ("FAILED", "EMPTY_RESPONSE")


@pytest.mark.parametrize(
    ("degraded_ms", "max_ms", "assertions", "outcome"),
    [
        (0, 20_000, (), ("DEGRADED", "SLOW")),
        (0, 0, (), ("FAILED", "TOO_SLOW")),
        (0, 0, (Assertion("STATUS_CODE", "EQUALS", "500"),), ("FAILED", "ASSERTION_FAILED")),
        (0, 20_000, (Assertion("STATUS_CODE", "EQUALS", "500"),), ("FAILED", "ASSERTION_FAILED")),
    ],
)
async def test_a_failure_outweighs_slowness(
    rig: ProbeRig,
    shop: WildServer,
    degraded_ms: int,
    max_ms: int,
    assertions: tuple[Assertion, ...],
    outcome: tuple[str, str],
) -> None:
    limits = {"degraded_response_time_ms": degraded_ms, "max_response_time_ms": max_ms}
    ended = await rig.api(f"{shop.url}/", assertions=assertions, **limits)
    assert (ended.verdict, ended.code) == outcome


# --- how it is shown ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        ("grüße".encode(), "text/plain", "grüße"),
        ("grüße".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grüße"),
        (b"plain", "text/plain; charset=zlib", "plain"),
        (b"", "image/png", ""),
    ],
)
async def test_a_text_is_shown_in_its_character_set(
    rig: ProbeRig, body: bytes, content_type: str, shown: str
) -> None:
    async with serving(answers(response(body, content_type=content_type))) as server:
        ended = await rig.api(f"{server.url}/")
    assert ended.response["body"] == shown
    assert "bodyEncoding" not in ended.response


@pytest.mark.parametrize("body", [ONE_PIXEL, b"\xff\xfe\xfd", b"zero\0byte"])
async def test_what_is_no_text_is_shown_in_base64(rig: ProbeRig, body: bytes) -> None:
    async with serving(answers(response(body, content_type="application/octet-stream"))) as server:
        ended = await rig.api(f"{server.url}/")
    assert ended.response["bodyEncoding"] == "base64"
    assert base64.b64decode(ended.response["body"]) == body


async def test_a_result_has_the_contracts_parts(rig: ProbeRig, shop: WildServer) -> None:
    ended = await rig.api(f"{shop.url}/", headers=header(x_a="1"), query=header(q="1"))
    assert set(ended.details) == {"request", "response", "assertions", "requestError", "jobLog"}
    assert {"method", "url", "data", "headers", "params"} <= set(ended.details["request"])
    parts = {"status", "statusText", "body", "headers", "timings", "timingPhases"}
    assert parts <= set(ended.response)
    assert set(ended.response["timings"]) == {"socket", "lookup", "connect", "response", "end"}
    assert ended.details["requestError"] is None
    assert ended.details["jobLog"]["request"][0]["msg"] == f"GET {shop.url}/?q=1"


async def test_a_body_that_takes_long_to_check_does_not_hold_up_the_event_loop(rig: ProbeRig) -> None:
    body = json.dumps([{"n": number, "text": "a" * 20} for number in range(100_000)]).encode()
    asserted = (Assertion("JSON_BODY", "EQUALS", "100000", "$.length"),)
    threads: set[str] = set()
    parse = json.loads

    def noting(*arguments: Any, **named: Any) -> Any:
        threads.add(threading.current_thread().name)
        return parse(*arguments, **named)

    async with serving(answers(response(body))) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bellrock.runner.executors.http.assertions.json.loads", noting)
            ended = await rig.api(f"{server.url}/", assertions=asserted)
    assert ended.verdict == "PASSED", ended.message
    assert "MainThread" not in threads
    assert threads
