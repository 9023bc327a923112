"""An SSL monitor's probe: look up, connect, shake hands, inspect; judgement; result body."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bellrock.domain.outcomes import Blame
from bellrock.domain.specs import HostCertificate, SslMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable
from bellrock.runner.client_certificates import certificate_for_host
from bellrock.runner.executors.ssl.baseline import UnknownRule
from bellrock.runner.executors.ssl.handshake import Handshake, shake_hands
from bellrock.runner.executors.ssl.inspection import Inspection, inspect, response
from bellrock.runner.executors.ssl.judge import check_assertions, failure_category, judge
from bellrock.runner.probing import ProbeResult, ProbeTools, assertion_details, failed
from bellrock.runner.reaching import NotReached, Phase, resolve

_MS = 1_000
_CATEGORIES = {Phase.DNS: "dns", Phase.CONNECTION: "connect", Phase.HANDSHAKE: "handshake"}


class SslProbe:
    """Looks at what a server shows in a TLS handshake.

    ``roots`` is a PEM file of the roots to trust, None for this machine's own. The response time is the
    handshake's. A certificate is shown and asserted even where it is not trusted.
    """

    def __init__(self, roots: Path | None = None) -> None:
        self._roots = roots

    async def __call__(self, monitor: SslMonitor, tools: ProbeTools) -> ProbeResult:
        """One handshake, or two where the chain is not trusted: the second one looks only."""
        try:
            certificate = _certificate_for(monitor, tools.job.client_certificates)
        except LookupError as error:
            message = str(error.args[0])
            outcome = failed("NO_CLIENT_CERTIFICATE", message, blame=Blame.CHECK)
            return ProbeResult(outcome, None, _details(monitor, error=message))
        phases: dict[str, float] = {}
        try:
            handshake = await self._handshake(monitor, tools, phases, certificate)
        except NotReached as failure:
            category = "timeout" if failure.code == "TIMED_OUT" else _CATEGORIES.get(failure.phase)
            details = _details(monitor, error=str(failure), category=category)
            return ProbeResult(failure.outcome, None, details, phases)
        tools.say(f"{handshake.tls_version} {handshake.cipher} in {handshake.handshake_ms:.0f} ms")
        phases |= {"connect": handshake.connect_ms, "handshake": handshake.handshake_ms}
        return await _judged(monitor, handshake, phases, left_s=tools.left_s)

    async def _handshake(
        self,
        monitor: SslMonitor,
        tools: ProbeTools,
        phases: dict[str, float],
        certificate: HostCertificate | None,
    ) -> Handshake:
        began = time.monotonic()
        try:
            address = await resolve(monitor.hostname, monitor.ip_family, timeout_s=tools.left_s)
        finally:
            phases[Phase.DNS] = (time.monotonic() - began) * _MS
        shows = f", showing the client certificate for {certificate.host}" if certificate else ""
        tools.say(f"Connecting to {address.ip} port {monitor.port}{shows}")
        return await shake_hands(
            address,
            monitor.port,
            server_name=monitor.server_name or monitor.hostname,
            roots=self._roots,
            certificate=certificate,
            handshake_s=monitor.handshake_timeout_ms / _MS,
            deadline=tools.deadline,
            guard=tools.guard,
        )


def _certificate_for(monitor: SslMonitor, certificates: Sequence[HostCertificate]) -> HostCertificate | None:
    """The one that the monitor names, else the account's for its host. LookupError: it names none of them."""
    named = monitor.client_certificate_id
    if named is None and monitor.client_certificate_mode == "explicit":
        raise LookupError("request.sslClientCertificateId: an explicit client certificate has to be named.")
    if named is None:
        return certificate_for_host(monitor.hostname, certificates)
    for each in certificates:
        if each.id == named:
            return each
    raise LookupError(f"request.sslClientCertificateId: the account has no client certificate {named}.")


async def _judged(
    monitor: SslMonitor, handshake: Handshake, phases: dict[str, float], *, left_s: float
) -> ProbeResult:
    results: tuple[AssertionResult, ...] = ()
    try:
        inspection = inspect(handshake, monitor, at=datetime.now(UTC))
        shown = response(inspection)
    except UnknownRule as error:
        outcome = failed("BAD_BASELINE", str(error), blame=Blame.CHECK)
        return ProbeResult(outcome, handshake.handshake_ms, _details(monitor, error=str(error)), phases)
    except ValueError as error:  # the library reads a certificate's parts when they are asked for
        outcome = failed("BAD_CERTIFICATE", f"The certificate cannot be read: {error}.")
        return ProbeResult(outcome, handshake.handshake_ms, _details(monitor, error=str(error)), phases)
    try:
        results = await check_assertions(monitor, inspection, shown, left_s=left_s)
        outcome = judge(monitor, inspection, results)
    except AssertionUnusable as error:
        outcome = failed("BAD_ASSERTION", str(error), blame=Blame.CHECK)
    details = {
        **_details(monitor, category=failure_category(inspection, monitor)),
        **_summary(inspection, shown),
        "response": shown,
        "assertions": assertion_details(results),
    }
    return ProbeResult(outcome, handshake.handshake_ms, details, phases)


def _summary(inspection: Inspection, shown: dict[str, object]) -> dict[str, object]:
    """What the contract repeats at the top of the result."""
    repeated = ("tlsVersion", "cipherSuite", "daysUntilExpiry", "handshakeTimeMs", "chainTrusted")
    baseline = inspection.baseline
    return {
        **{name: shown[name] for name in (*repeated, "hostnameVerified")},
        "baselineVerdict": str(baseline.verdict) if baseline else None,
        "baselineGrade": baseline.grade if baseline else None,
    }


def _details(
    monitor: SslMonitor, *, error: str | None = None, category: str | None = None
) -> dict[str, object]:
    return {
        "failureCategory": category,
        "requestError": error,
        "request": {
            "hostname": monitor.hostname,
            "port": monitor.port,
            "serverName": monitor.server_name,
            "ipFamily": str(monitor.ip_family),
            "skipChainValidation": monitor.skip_chain_validation,
            "handshakeTimeoutMs": monitor.handshake_timeout_ms,
            "alertDaysBeforeExpiry": monitor.alert_days_before_expiry,
        },
        "response": None,
        "assertions": [],
    }
