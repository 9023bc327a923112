"""What a handshake shows, put together as the contract's response: certificate, trust, names, baseline."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from bellrock.domain.specs import SslMonitor
from bellrock.runner.executors.ssl.baseline import Baseline, Observed, apply_rules
from bellrock.runner.executors.ssl.certificate import (
    as_json,
    common_name,
    covers,
    days_until_expiry,
    is_self_signed,
)
from bellrock.runner.executors.ssl.ciphers import iana_name
from bellrock.runner.executors.ssl.handshake import Handshake

JsonObject = dict[str, object]

# OpenSSL's numbers (x509_vfy.h) for why a chain is not trusted; others are told in its own words alone.
_EXPIRED = 10
_REASONS = {
    9: "not_yet_valid",
    _EXPIRED: "expired",
    18: "self_signed",
    19: "self_signed_in_chain",
    20: "unknown_issuer",
    21: "unknown_issuer",
    23: "revoked",
    24: "invalid_ca",
    26: "wrong_purpose",
}
_UNKNOWN_ISSUER = "unknown_issuer"


@dataclass(frozen=True, slots=True)
class Inspection:
    """A handshake as it is judged. ``at`` is the moment that validity is measured at.

    ``baseline`` is None where it was skipped: the certificate was no good to begin with.
    """

    handshake: Handshake
    at: datetime
    host: str
    baseline: Baseline | None = None

    @property
    def leaf(self) -> x509.Certificate:
        """The server's own certificate."""
        return self.handshake.chain[0]

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Up to the root where it is trusted, else as the server sent it."""
        return self.handshake.trusted_chain or self.handshake.chain

    @property
    def has_expired(self) -> bool:
        """Whether the server's certificate is past its end."""
        return self.at > self.leaf.not_valid_after_utc

    @property
    def is_too_early(self) -> bool:
        """Whether the server's certificate is not valid yet."""
        return self.at < self.leaf.not_valid_before_utc

    @property
    def is_trusted(self) -> bool:
        """Whether the chain leads to a root that is trusted, and is valid now."""
        return self.handshake.distrust is None

    @property
    def covers_host(self) -> bool:
        """Whether the certificate is for the host."""
        return covers(self.leaf, self.host)

    @property
    def distrust_reason(self) -> str | None:
        """A stable word for why the chain is not trusted."""
        distrust = self.handshake.distrust
        return None if distrust is None else _REASONS.get(distrust.code, "other")

    @property
    def missing_intermediate(self) -> str | None:
        """Whose certificate the server should have sent too, where that is what is wrong."""
        last = self.handshake.chain[-1]
        if self.distrust_reason != _UNKNOWN_ISSUER or is_self_signed(last):
            return None
        return common_name(last.issuer) or last.issuer.rfc4514_string()


def is_good(inspection: Inspection, monitor: SslMonitor) -> bool:
    """Whether the certificate holds for what the check wants: only then a baseline means anything."""
    trusted = inspection.is_trusted or monitor.skip_chain_validation
    in_time = not (inspection.has_expired or inspection.is_too_early)
    return trusted and in_time and inspection.covers_host


def inspect(handshake: Handshake, monitor: SslMonitor, *, at: datetime) -> Inspection:
    """The handshake with its baseline. Raises UnknownRule."""
    inspection = Inspection(handshake, at, monitor.server_name or monitor.hostname)
    if not is_good(inspection, monitor):
        return inspection
    suite = iana_name(handshake.cipher)
    observed = Observed(handshake.tls_version, suite, inspection.chain)
    baseline = apply_rules(monitor.baseline, observed)
    return Inspection(handshake, at, inspection.host, baseline)


def connection_properties(inspection: Inspection) -> JsonObject:
    """What CONNECTION asserts. What Python cannot see of OCSP is None."""
    handshake = inspection.handshake
    return {
        "tlsVersion": handshake.tls_version,
        "cipherSuite": iana_name(handshake.cipher),
        "hostnameVerified": inspection.covers_host,
        "chainTrusted": inspection.is_trusted,
        "ocspStapled": None,
        "ocspStatus": None,
        "resolvedIp": handshake.address.ip,
    }


def certificate_properties(inspection: Inspection) -> JsonObject:
    """What CERTIFICATE asserts, and what else is told of the server's certificate."""
    issuer = inspection.chain[1] if len(inspection.chain) > 1 else None
    if issuer is None and is_self_signed(inspection.leaf):
        issuer = inspection.leaf
    return as_json(inspection.leaf, inspection.at, issuer=issuer)


def response(inspection: Inspection) -> JsonObject:
    """The contract's response. Times in ms; ``chain`` goes up from the server's certificate."""
    handshake, distrust = inspection.handshake, inspection.handshake.distrust
    missing = inspection.missing_intermediate
    properties = connection_properties(inspection)
    return {
        **properties,
        "protocol": properties["tlsVersion"],
        "handshakeTimeMs": round(handshake.handshake_ms, 3),
        "daysUntilExpiry": days_until_expiry(inspection.leaf, inspection.at),
        "chainTrustReason": inspection.distrust_reason,
        "chainTrustDetail": distrust.detail if distrust else None,
        "incompleteChain": missing is not None,
        "missingIntermediate": missing,
        "securityBaseline": _baseline(inspection.baseline),
        "certificate": certificate_properties(inspection),
        "chain": [as_json(each, inspection.at) for each in inspection.chain],
    }


def _baseline(baseline: Baseline | None) -> JsonObject | None:
    if baseline is None:
        return None
    return {
        "verdict": str(baseline.verdict),
        "grade": baseline.grade,
        "rules": [
            {
                "name": each.rule.name,
                "severity": str(each.rule.severity),
                "value": each.rule.value,
                "verdict": str(each.verdict),
                "message": each.message,
            }
            for each in baseline.results
        ],
    }
