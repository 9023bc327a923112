"""SSL monitors against real TLS servers: certificates of every kind, handshakes that do not come about."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import Assertion, BaselineRule, HostCertificate, Severity, SslMonitor
from bellrock.runner.executors.ssl import SslProbe
from tests.support.tcp_servers import dropping_connections, resets, says, says_nothing, serving, unused_port
from tests.support.tls_servers import Authority, self_signed, tls_server
from tests.unit.runner.executors.probe_rig import LATE_S, part, tools_for, verdict_of

PASSED = (Verdict.PASSED, None, None)
MIN_TLS = BaselineRule("minTLSVersion", Severity.FAIL, "TLS1.2")
RECOMMENDED_TLS = BaselineRule("recommendedTLSVersion", Severity.IGNORE, "TLS1.3")
MIN_KEY = BaselineRule("minKeySizeBits", Severity.FAIL, "2048")
RECOMMENDED_KEY = BaselineRule("recommendedKeySizeBits", Severity.IGNORE, "3072")
ALL_RULES = (
    MIN_TLS,
    MIN_KEY,
    BaselineRule("weakSignatureAlgorithm", Severity.FAIL),
    BaselineRule("weakCipherSuite", Severity.FAIL),
    BaselineRule("knownBadCA", Severity.FAIL),
    RECOMMENDED_TLS,
    RECOMMENDED_KEY,
    BaselineRule("ocspMustStapleRespected", Severity.IGNORE),
    BaselineRule("sctPresent", Severity.IGNORE),
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.found(tmp_path)


@pytest.fixture
def probe(authority: Authority) -> SslProbe:
    """A probe that trusts the authority of the test and nobody else."""
    return SslProbe(authority.roots)


def monitor(port: int, **changes: object) -> SslMonitor:
    return replace(SslMonitor("localhost", port, baseline=ALL_RULES), **changes)  # type: ignore[arg-type]  # by name


def verdicts_of_rules(baseline: dict[str, Sequence[dict[str, str]]]) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in baseline["rules"]}


async def test_a_good_certificate_passes_with_all_that_it_says(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost", "127.0.0.1")) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert set(result.phases) == {"dns", "connect", "handshake"}
    assert result.response_time_ms == result.phases["handshake"]
    assert part(result, "failureCategory") is None
    response = part(result, "response")
    assert (response["tlsVersion"], response["cipherSuite"]) == ("TLS1.3", "TLS_AES_256_GCM_SHA384")
    assert (response["chainTrusted"], response["hostnameVerified"]) == (True, True)
    assert (response["ocspStapled"], response["ocspStatus"]) == (None, None)
    certificate = response["certificate"]
    assert certificate["sans"] == ["localhost", "127.0.0.1"]
    assert (certificate["keyAlgorithm"], certificate["keySizeBits"]) == ("ECDSA", 256)
    assert (certificate["selfSigned"], certificate["isCA"]) == (False, False)
    assert certificate["daysUntilExpiry"] in {89, 90}
    root = response["chain"][-1]
    assert root["isCA"] is True
    assert certificate["issuerFingerprintSha256"] == root["fingerprintSha256"]


async def test_what_python_cannot_see_counts_neither_way(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    rules = verdicts_of_rules(part(result, "response")["securityBaseline"])
    assert rules.pop("sctPresent") == "unknown"
    assert set(rules.values()) == {"pass"}
    assert (part(result, "baselineVerdict"), part(result, "baselineGrade")) == ("pass", "A-")


@pytest.mark.parametrize("skips", [False, True])
async def test_an_expired_certificate_fails_always(
    authority: Authority, probe: SslProbe, *, skips: bool
) -> None:
    expired = authority.context("localhost", valid_for=timedelta(hours=-1), from_now=timedelta(days=-9))
    async with tls_server(expired) as port:
        spec = monitor(port, skip_chain_validation=skips)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CERTIFICATE_EXPIRED")
    assert part(result, "daysUntilExpiry") == -1
    assert part(result, "failureCategory") is None
    assert part(result, "response")["chainTrustReason"] == "expired"
    assert part(result, "baselineGrade") is None


async def test_a_certificate_of_tomorrow_fails(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost", from_now=timedelta(days=1))) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CERTIFICATE_NOT_YET_VALID")


async def test_a_certificate_that_expires_soon_degrades(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost", valid_for=timedelta(days=20))) as port:
        degraded, passing = monitor(port), monitor(port, alert_days_before_expiry=19)
        result = await probe(degraded, tools_for(degraded))
        assert verdict_of(result) == (Verdict.DEGRADED, Blame.TARGET, "CERTIFICATE_EXPIRES_SOON")
        assert verdict_of(await probe(passing, tools_for(passing))) == PASSED


async def test_a_self_signed_certificate_is_not_trusted(tmp_path: Path, probe: SslProbe) -> None:
    async with tls_server(self_signed(tmp_path, "localhost")) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CHAIN_NOT_TRUSTED")
    assert part(result, "failureCategory") == "chain"
    response = part(result, "response")
    assert (response["chainTrustReason"], response["incompleteChain"]) == ("self_signed", False)
    assert response["certificate"]["selfSigned"] is True
    assert response["securityBaseline"] is None


async def test_a_certificate_of_an_unknown_authority_is_not_trusted(tmp_path: Path, probe: SslProbe) -> None:
    stranger = Authority.found(tmp_path, "Stranger")
    async with tls_server(stranger.context("localhost")) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CHAIN_NOT_TRUSTED")


async def test_an_intermediate_that_the_server_does_not_send_is_named(
    tmp_path: Path, authority: Authority, probe: SslProbe
) -> None:
    issued = authority.ca.create_child_ca().issue_cert("localhost")
    pem = tmp_path / "leaf.pem"
    pem.write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    async with tls_server(context) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CHAIN_NOT_TRUSTED")
    assert part(result, "response")["incompleteChain"] is True
    assert part(result, "response")["missingIntermediate"] in (result.outcome.message or "")


async def test_an_untrusted_chain_passes_where_the_check_skips_it(tmp_path: Path, probe: SslProbe) -> None:
    async with tls_server(self_signed(tmp_path, "localhost")) as port:
        spec = monitor(port, skip_chain_validation=True)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert part(result, "chainTrusted") is False
    assert part(result, "baselineGrade") == "B"  # of 3072 bits that are recommended the key has 2048


@pytest.mark.parametrize("skips", [False, True])
async def test_a_certificate_of_another_host_fails(
    authority: Authority, probe: SslProbe, *, skips: bool
) -> None:
    async with tls_server(authority.context("elsewhere.test")) as port:
        spec = monitor(port, skip_chain_validation=skips)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "HOSTNAME_MISMATCH")
    assert "elsewhere.test" in (result.outcome.message or "")
    assert part(result, "failureCategory") == "hostname"
    assert part(result, "hostnameVerified") is False


async def test_the_server_name_is_what_is_asked_for_and_compared(
    authority: Authority, probe: SslProbe
) -> None:
    asked: list[str | None] = []
    context = authority.context("shop.test")
    context.sni_callback = lambda _tls, name, _context: asked.append(name)
    async with tls_server(context) as port:
        spec = monitor(port, server_name="shop.test")
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert asked == ["shop.test"]


async def test_an_address_can_be_monitored(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("127.0.0.1")) as port:
        spec = monitor(port, hostname="127.0.0.1")
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED


async def test_nobody_listening_is_told_by_its_category(probe: SslProbe) -> None:
    spec = monitor(unused_port())
    result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CONNECTION_REFUSED")
    assert part(result, "failureCategory") == "connect"


async def test_a_name_that_does_not_exist_is_told_by_its_category(probe: SslProbe) -> None:
    spec = SslMonitor("no-such-host.invalid")
    result = await probe(spec, tools_for(spec))
    assert (result.outcome.verdict, result.outcome.blame) == (Verdict.FAILED, Blame.TARGET)
    assert part(result, "failureCategory") == "dns"


async def test_a_connection_that_nobody_answers_ends_at_the_deadline(probe: SslProbe) -> None:
    async with dropping_connections() as port:
        spec = monitor(port)
        began = time.monotonic()
        result = await probe(spec, tools_for(spec, left_s=0.5))
    assert time.monotonic() - began < LATE_S
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TIMED_OUT")
    assert part(result, "failureCategory") == "timeout"


@pytest.mark.parametrize(("left_s", "timeout_ms"), [(0.5, 30_000), (60, 300)])
async def test_a_server_that_says_nothing_is_given_up_in_time(
    probe: SslProbe, left_s: float, timeout_ms: int
) -> None:
    async with serving(says_nothing) as port:
        spec = monitor(port, handshake_timeout_ms=timeout_ms)
        began = time.monotonic()
        result = await probe(spec, tools_for(spec, left_s=left_s))
    assert time.monotonic() - began < LATE_S
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "TIMED_OUT")
    assert "handshake phase" in (result.outcome.message or "")
    assert part(result, "failureCategory") == "timeout"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "HANDSHAKE_FAILED"),
        (says(), "HANDSHAKE_FAILED"),
        (resets, "CONNECTION_RESET"),
    ],
    ids=["no TLS", "closed early", "reset"],
)
async def test_a_handshake_that_does_not_come_about_is_the_servers_fault(
    probe: SslProbe, behaviour: object, code: str
) -> None:
    async with serving(behaviour) as port:  # type: ignore[arg-type]  # one of three functions
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    # A server that closes while bytes of ours are unread resets the connection.
    assert verdict_of(result) in {
        (Verdict.FAILED, Blame.TARGET, code),
        (Verdict.FAILED, Blame.TARGET, "CONNECTION_RESET"),
    }
    assert "handshake phase" in (result.outcome.message or "")
    assert part(result, "failureCategory") == "handshake"


async def test_an_old_version_of_tls_breaks_the_baseline(authority: Authority, probe: SslProbe) -> None:
    context = authority.context("localhost", key_type=trustme.KeyType.RSA)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with tls_server(context) as port:
        spec = monitor(port)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "BASELINE_NOT_MET")
    assert "TLS1.1" in (result.outcome.message or "")
    assert (part(result, "baselineVerdict"), part(result, "baselineGrade")) == ("fail", "F")


async def test_a_key_that_is_too_short_breaks_the_baseline(tmp_path: Path, probe: SslProbe) -> None:
    async with tls_server(self_signed(tmp_path, "localhost", key_bits=1_024)) as port:
        spec = monitor(port, skip_chain_validation=True)
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "BASELINE_NOT_MET")
    assert "1024 bits" in (result.outcome.message or "")


@pytest.mark.parametrize(
    ("severity", "verdict", "grade"),
    [
        (Severity.FAIL, Verdict.FAILED, "F"),
        (Severity.DEGRADE, Verdict.DEGRADED, "B"),
        (Severity.IGNORE, Verdict.PASSED, "B"),
    ],
)
async def test_a_rules_severity_decides_what_breaking_it_means(
    authority: Authority, probe: SslProbe, severity: Severity, verdict: Verdict, grade: str
) -> None:
    context = authority.context("localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with tls_server(context) as port:
        spec = monitor(port, baseline=(replace(RECOMMENDED_TLS, severity=severity),))
        result = await probe(spec, tools_for(spec))
    assert result.outcome.verdict is verdict
    assert part(result, "baselineGrade") == grade


async def test_without_a_baseline_all_is_well(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port, baseline=())
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == PASSED
    assert part(result, "baselineGrade") == "A-"


async def test_a_rule_that_does_not_exist_is_the_checks_fault(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port, baseline=(BaselineRule("minLuck", Severity.FAIL),))
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_BASELINE")


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        (Assertion("CERTIFICATE", "GREATER_THAN", "30", property="daysUntilExpiry"), True),
        (Assertion("CERTIFICATE", "LESS_THAN", "30", property="daysUntilExpiry"), False),
        (Assertion("CERTIFICATE", "CONTAINS", "localhost", property="sans"), True),
        (Assertion("CERTIFICATE", "NOT_CONTAINS", "localhost", property="sans"), False),
        (Assertion("CERTIFICATE", "EQUALS", "false", property="selfSigned"), True),
        (Assertion("CERTIFICATE", "EQUALS", "ECDSA-SHA256", property="signatureAlgorithm"), True),
        (Assertion("CONNECTION", "EQUALS", "TLS1.3", property="tlsVersion"), True),
        (Assertion("CONNECTION", "GREATER_THAN", "TLS1.2", property="tlsVersion"), True),
        (Assertion("CONNECTION", "LESS_THAN", "TLS1.3", property="tlsVersion"), False),
        (Assertion("CONNECTION", "CONTAINS", "GCM", property="cipherSuite"), True),
        (Assertion("CONNECTION", "EQUALS", "true", property="chainTrusted"), True),
        (Assertion("CONNECTION", "EQUALS", "127.0.0.1", property="resolvedIp"), True),
        (Assertion("CONNECTION", "EQUALS", "true", property="ocspStapled"), False),
        (Assertion("RESPONSE_TIME", "LESS_THAN", "10000"), True),
        (Assertion("JSON_RESPONSE", "EQUALS", "256", property="$.chain[0].keySizeBits"), True),
        (Assertion("TEXT_RESPONSE", "EQUALS", "TLS1.3", property=r'"protocol": "([^"]+)"'), True),
    ],
)
async def test_certificate_and_connection_are_asserted(
    authority: Authority, probe: SslProbe, assertion: Assertion, *, holds: bool
) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port, assertions=(assertion,))
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (PASSED if holds else (Verdict.FAILED, Blame.TARGET, "ASSERTION_FAILED"))


@pytest.mark.parametrize(
    "assertion",
    [
        Assertion("CERTIFICATE", "EQUALS", "x", property="colour"),
        Assertion("CONNECTION", "LESS_THAN", "1.3", property="tlsVersion"),
        Assertion("STATUS_CODE", "EQUALS", "200"),
    ],
)
async def test_an_assertion_that_cannot_be_checked_is_the_checks_fault(
    authority: Authority, probe: SslProbe, assertion: Assertion
) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port, assertions=(assertion,))
        result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_ASSERTION")


async def test_a_slow_handshake_degrades_and_fails(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost")) as port:
        degraded = monitor(port, degraded_response_time_ms=0)
        failing = monitor(port, degraded_response_time_ms=0, max_response_time_ms=0)
        assert (await probe(degraded, tools_for(degraded))).outcome.verdict is Verdict.DEGRADED
        assert verdict_of(await probe(failing, tools_for(failing)))[2] == "TOO_SLOW"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_certificate_id": "8a4c4a3e"}, "no client certificate 8a4c4a3e"),
        ({"client_certificate_mode": "explicit"}, "has to be named"),
    ],
)
async def test_a_client_certificate_that_is_not_there_is_the_checks_fault(
    probe: SslProbe, changes: dict[str, str], words: str
) -> None:
    spec = monitor(443, **changes)
    result = await probe(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "NO_CLIENT_CERTIFICATE")
    assert words in (result.outcome.message or "")


def client_certificate(authority: Authority, name: str, host: str, *, id: str = "") -> HostCertificate:  # noqa: A002
    issued = authority.ca.issue_cert(name)
    cert = "".join(each.bytes().decode() for each in issued.cert_chain_pems)
    return HostCertificate(host, cert, issued.private_key_pem.bytes().decode(), id=id)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "full.example.org"),
        ({"client_certificate_mode": "explicit", "client_certificate_id": "2"}, "named.example.org"),
        ({"hostname": "127.0.0.1"}, None),
    ],
    ids=["the host's", "the named one", "none"],
)
async def test_a_server_that_asks_is_shown_the_certificate_of_its_host_or_the_named_one(
    authority: Authority, probe: SslProbe, changes: dict[str, str], shown: str | None
) -> None:
    certificates = (
        client_certificate(authority, "any.example.org", "local*", id="1"),
        client_certificate(authority, "named.example.org", "elsewhere", id="2"),
        client_certificate(authority, "full.example.org", "localhost", id="3"),
    )
    context = authority.context("localhost", "127.0.0.1")
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.ca.configure_trust(context)
    seen: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peercert")
        seen.set_result(peer["subjectAltName"][0][1] if peer else None)
        writer.close()

    server = await asyncio.start_server(look, "127.0.0.1", 0, ssl=context)
    async with server:
        spec = monitor(server.sockets[0].getsockname()[1], **changes)
        assert verdict_of(await probe(spec, tools_for(spec, certificates=certificates))) == PASSED
        assert await asyncio.wait_for(seen, LATE_S) == shown


async def test_a_client_certificate_that_cannot_be_used_is_the_checks_fault(
    authority: Authority, probe: SslProbe
) -> None:
    good, other = (client_certificate(authority, name, "localhost") for name in ("a.example", "b.example"))
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port)
        mixed = replace(good, key=other.key)
        result = await probe(spec, tools_for(spec, certificates=(mixed,)))
    assert verdict_of(result) == (Verdict.FAILED, Blame.CHECK, "BAD_CLIENT_CERTIFICATE")


async def test_this_machines_roots_are_trusted_where_no_others_are_named(authority: Authority) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port)
        result = await SslProbe()(spec, tools_for(spec))
    assert verdict_of(result) == (Verdict.FAILED, Blame.TARGET, "CHAIN_NOT_TRUSTED")


async def test_handshakes_do_not_hold_up_other_runs(authority: Authority, probe: SslProbe) -> None:
    async with tls_server(authority.context("localhost")) as port:
        spec = monitor(port)
        results = await asyncio.gather(*(probe(spec, tools_for(spec)) for _ in range(10)))
    assert [verdict_of(each) for each in results] == [PASSED] * 10
