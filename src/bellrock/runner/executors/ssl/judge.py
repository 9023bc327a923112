"""What an inspection means: validity, trust, name, baseline, assertions and time become one outcome."""

import json
from datetime import timedelta

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import Assertion, Severity, SslMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable, check_values
from bellrock.runner.asserting import check_all, check_document, check_text, unknown_source
from bellrock.runner.executors.ssl.baseline import TLS_VERSIONS
from bellrock.runner.executors.ssl.certificate import alternative_names
from bellrock.runner.executors.ssl.inspection import (
    Inspection,
    JsonObject,
    certificate_properties,
    connection_properties,
)
from bellrock.runner.probing import failed, judge_assertions, judge_time

CERTIFICATE_PROPERTIES = (
    "daysUntilExpiry",
    "subjectCN",
    "issuerCN",
    "serialNumber",
    "fingerprintSha256",
    "issuerFingerprintSha256",
    "keySizeBits",
    "keyAlgorithm",
    "signatureAlgorithm",
    "sans",
    "selfSigned",
    "isCA",
)
_SOURCES = ("CERTIFICATE", "CONNECTION", "RESPONSE_TIME", "JSON_RESPONSE", "TEXT_RESPONSE")


async def check_assertions(
    monitor: SslMonitor, inspection: Inspection, response: JsonObject, *, left_s: float
) -> tuple[AssertionResult, ...]:
    """Every assertion against the inspection. Raises AssertionUnusable."""
    certificate = {name: certificate_properties(inspection)[name] for name in CERTIFICATE_PROPERTIES}
    connection = connection_properties(inspection)

    def check(assertion: Assertion) -> AssertionResult:
        match assertion.source:
            case "CERTIFICATE":
                return _check_property(assertion, certificate, subject="The certificate's")
            case "CONNECTION":
                return _check_property(assertion, connection, subject="The connection's")
            case "RESPONSE_TIME":
                time_ms = round(inspection.handshake.handshake_ms)
                return check_values(assertion, [time_ms], subject="The handshake time in ms")
            case "JSON_RESPONSE":
                return check_document(assertion, response, subject="The JSON response")
            case "TEXT_RESPONSE":
                return check_text(assertion, json.dumps(response), subject="The text response")
            case _:
                raise unknown_source(assertion, monitor="An SSL monitor", allowed=_SOURCES)

    return await check_all(monitor.assertions, check, left_s=left_s)


def _check_property(assertion: Assertion, properties: JsonObject, *, subject: str) -> AssertionResult:
    name = assertion.property
    if name not in properties:
        allowed = ", ".join(sorted(properties))
        raise AssertionUnusable(f"{subject} property cannot be {name!r}: allowed are {allowed}.")
    value = properties[name]
    if name == "tlsVersion" and assertion.comparison in {"GREATER_THAN", "LESS_THAN"}:
        return _check_version(assertion, str(value), subject=f"{subject} {name}")
    return check_values(assertion, [] if value is None else [value], subject=f"{subject} {name}")


def _check_version(assertion: Assertion, actual: str, *, subject: str) -> AssertionResult:
    """Versions have an order of their own, which texts have not."""
    if assertion.target not in TLS_VERSIONS:
        allowed = ", ".join(TLS_VERSIONS)
        raise AssertionUnusable(f"{subject} cannot be compared with {assertion.target!r}: {allowed}.")
    place, target = TLS_VERSIONS.index(actual), TLS_VERSIONS.index(assertion.target)
    holds = place > target if assertion.comparison == "GREATER_THAN" else place < target
    words = assertion.comparison.lower().replace("_", " ")
    error = None if holds else f"{subject} is {actual}: {words} {assertion.target} was asserted."
    return AssertionResult(assertion, actual, error)


def failure_category(inspection: Inspection, monitor: SslMonitor) -> str | None:
    """The contract's category of a certificate that is no good. None for one that has merely expired."""
    if inspection.has_expired:
        return None
    if not (inspection.is_trusted or monitor.skip_chain_validation):
        return "chain"
    return None if inspection.covers_host else "hostname"


def judge(monitor: SslMonitor, inspection: Inspection, results: tuple[AssertionResult, ...]) -> Outcome:
    """The outcome of a handshake: what fails before what degrades."""
    return (
        _judge_certificate(monitor, inspection)
        or _judge_baseline(inspection)
        or judge_assertions(results)
        or _judge_limits(monitor, inspection)
    )


def _judge_certificate(monitor: SslMonitor, inspection: Inspection) -> Outcome | None:
    leaf = inspection.leaf
    if inspection.has_expired:
        return failed("CERTIFICATE_EXPIRED", f"The certificate expired at {leaf.not_valid_after_utc}.")
    if inspection.is_too_early:
        message = f"The certificate is not valid before {leaf.not_valid_before_utc}."
        return failed("CERTIFICATE_NOT_YET_VALID", message)
    if inspection.handshake.distrust and not monitor.skip_chain_validation:
        missing = inspection.missing_intermediate
        hint = f"; the server did not send the certificate of {missing}" if missing else ""
        message = f"The certificate chain is not trusted: {inspection.handshake.distrust.detail}{hint}."
        return failed("CHAIN_NOT_TRUSTED", message)
    if not inspection.covers_host:
        names = ", ".join(alternative_names(leaf)[:10]) or "no host"
        return failed("HOSTNAME_MISMATCH", f"The certificate is not for {inspection.host} but for {names}.")
    return None


def _judge_baseline(inspection: Inspection) -> Outcome | None:
    broken = inspection.baseline.broken(Severity.FAIL) if inspection.baseline else []
    return failed("BASELINE_NOT_MET", f"{'; '.join(broken)}.") if broken else None


def _judge_limits(monitor: SslMonitor, inspection: Inspection) -> Outcome:
    by_time = judge_time(
        inspection.handshake.handshake_ms,
        degraded_ms=monitor.degraded_response_time_ms,
        max_ms=monitor.max_response_time_ms,
        what="handshake",
    )
    if by_time.verdict is Verdict.FAILED:
        return by_time
    leaf = inspection.leaf
    if leaf.not_valid_after_utc - inspection.at <= timedelta(days=monitor.alert_days_before_expiry):
        message = (
            f"The certificate expires at {leaf.not_valid_after_utc}:"
            f" within {monitor.alert_days_before_expiry} days."
        )
        return Outcome(Verdict.DEGRADED, Blame.TARGET, "CERTIFICATE_EXPIRES_SOON", message)
    broken = inspection.baseline.broken(Severity.DEGRADE) if inspection.baseline else []
    if broken:
        return Outcome(Verdict.DEGRADED, Blame.TARGET, "BASELINE_NOT_MET", f"{'; '.join(broken)}.")
    return by_time
