"""The payload of SSL monitors."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bellrock.domain.specs import BaselineRule, Severity, SslMonitor
from bellrock.services.check_payload.common import (
    AssertionPayload,
    CheckPayload,
    Family,
    Payload,
    family,
)

_Host = Annotated[str, Field(min_length=1, max_length=2_048, pattern=r"^[^\x00-\x1f\x7f]*$")]
_SslMilliseconds = Annotated[int, Field(ge=0, le=30_000)]
_KeyBits = Annotated[int, Field(ge=1_024, le=16_384)]
_Tls = Literal["TLS1.2", "TLS1.3"]


class _Rule(Payload):
    severity: Severity | None = None


class _TlsRule(_Rule):
    value: _Tls | None = None


class _KeyRule(_Rule):
    value: _KeyBits | None = None


_DEFAULTS = (
    BaselineRule("minTLSVersion", Severity.FAIL, "TLS1.2"),
    BaselineRule("minKeySizeBits", Severity.FAIL, "2048"),
    BaselineRule("weakSignatureAlgorithm", Severity.FAIL),
    BaselineRule("weakCipherSuite", Severity.FAIL),
    BaselineRule("knownBadCA", Severity.FAIL),
    BaselineRule("recommendedTLSVersion", Severity.IGNORE, "TLS1.3"),
    BaselineRule("recommendedKeySizeBits", Severity.IGNORE, "3072"),
    BaselineRule("ocspMustStapleRespected", Severity.IGNORE),
    BaselineRule("sctPresent", Severity.IGNORE),
)


class _Baseline(Payload):
    enabled: bool = True
    min_tls_version: Annotated[_TlsRule, Field(alias="minTLSVersion")] = _TlsRule()
    min_key_size_bits: _KeyRule = _KeyRule()
    weak_signature_algorithm: _Rule = _Rule()
    weak_cipher_suite: _Rule = _Rule()
    known_bad_ca: Annotated[_Rule, Field(alias="knownBadCA")] = _Rule()
    recommended_tls_version: Annotated[_TlsRule, Field(alias="recommendedTLSVersion")] = _TlsRule()
    recommended_key_size_bits: _KeyRule = _KeyRule()
    ocsp_must_staple_respected: _Rule = _Rule()
    sct_present: _Rule = _Rule()

    def rules(self) -> tuple[BaselineRule, ...]:
        """Every rule with what is said about it, else the contract's defaults. None where switched off."""
        if not self.enabled:
            return ()
        said = {
            type(self).model_fields[name].alias: getattr(self, name)
            for name in type(self).model_fields
            if name != "enabled"
        }
        return tuple(_with(default, said[default.name]) for default in _DEFAULTS)


def _with(default: BaselineRule, said: _Rule) -> BaselineRule:
    value = said.value if isinstance(said, _TlsRule | _KeyRule) else None
    return BaselineRule(
        default.name,
        said.severity or default.severity,
        default.value if value is None else str(value),
    )


class _Config(Payload):
    hostname: _Host
    port: Annotated[int, Field(ge=1, le=65_535)] = 443
    server_name: _Host | Literal[""] | None = None
    ip_family: Family = "IPv4"
    skip_chain_validation: bool = False
    handshake_timeout_ms: Annotated[int, Field(ge=1_000, le=30_000)] = 10_000
    alert_days_before_expiry: Annotated[int, Field(ge=1, le=365)] = 20
    security_baseline: _Baseline = _Baseline()
    client_certificate_mode: Literal["auto", "explicit"] = "auto"


class _Assertion(AssertionPayload):
    source: Literal["CERTIFICATE", "CONNECTION", "RESPONSE_TIME", "JSON_RESPONSE", "TEXT_RESPONSE"]


class SslRequest(Payload):
    ssl_config: _Config
    ssl_client_certificate_id: str | None = None
    assertions: tuple[_Assertion, ...] = ()


class SslPayload(CheckPayload):
    """An SSL monitor."""

    request: SslRequest
    degraded_response_time: _SslMilliseconds = 3_000
    max_response_time: _SslMilliseconds = 10_000
    should_fail: bool = False

    @model_validator(mode="after")
    def _degraded_comes_first(self) -> "SslPayload":
        if self.degraded_response_time > self.max_response_time:
            raise ValueError("degradedResponseTime must not be above maxResponseTime")
        return self

    def spec(self) -> SslMonitor:
        """What it does."""
        config = self.request.ssl_config
        return SslMonitor(
            config.hostname,
            port=config.port,
            server_name=config.server_name or None,
            ip_family=family(config.ip_family),
            skip_chain_validation=config.skip_chain_validation,
            handshake_timeout_ms=config.handshake_timeout_ms,
            alert_days_before_expiry=config.alert_days_before_expiry,
            baseline=config.security_baseline.rules(),
            client_certificate_mode=config.client_certificate_mode,
            client_certificate_id=self.request.ssl_client_certificate_id,
            assertions=tuple(each.assertion() for each in self.request.assertions),
            degraded_response_time_ms=self.degraded_response_time,
            max_response_time_ms=self.max_response_time,
            should_fail=self.should_fail,
        )
