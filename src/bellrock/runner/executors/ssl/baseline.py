"""The security baseline: rules about a handshake, what each of them says, and the grade they make.

Python's TLS layer shows neither a stapled OCSP response nor the timestamps that a handshake carries. Rules
that need these say that they do not know, which counts neither for nor against the target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from bellrock.domain.specs import BaselineRule, Severity
from bellrock.runner.executors.ssl.certificate import (
    key_algorithm,
    key_size_bits,
    organization,
    signature_algorithm,
)
from bellrock.runner.executors.ssl.ciphers import is_weak

WEAK_SIGNATURES = frozenset({"MD2-RSA", "MD5-RSA", "SHA1-RSA", "DSA-SHA1", "ECDSA-SHA1"})
DISTRUSTED_CAS = frozenset(
    {
        "AC Camerfirma S.A.",
        "CNNIC",
        "China Internet Network Information Center",
        "DigiNotar",
        "Entrust, Inc.",
        "GeoTrust Inc.",
        "StartCom Ltd.",
        "Symantec Corporation",
        "TrustCor Systems S. de R.L.",
        "VeriSign, Inc.",
        "WoSign CA Limited",
        "thawte, Inc.",
    }
)
"""Organizations whose certificates browsers have stopped to trust."""
TLS_VERSIONS = ("TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3")

_OID_MD2_RSA = "1.2.840.113549.1.1.2"


class RuleVerdict(StrEnum):
    """What a rule says; the last one where it cannot be told."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the rules look at. ``chain`` is from the server's certificate up, as far as it is known."""

    tls_version: str
    cipher_suite: str
    chain: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The server's own certificate."""
        return self.chain[0]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule of the check with what it says here. ``message`` is a sentence where it is not kept."""

    rule: BaselineRule
    verdict: RuleVerdict
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """All rules' results. Without rules all is well."""

    results: tuple[RuleResult, ...] = ()

    @property
    def verdict(self) -> RuleVerdict:
        """The worst: fail before warn before pass."""
        found = {each.verdict for each in self.results}
        return next(
            (each for each in (RuleVerdict.FAIL, RuleVerdict.WARN) if each in found), RuleVerdict.PASS
        )

    @property
    def grade(self) -> str:
        """A- where every rule is kept, F where one fails, else B: a rule that is ignored costs the A- too."""
        return {RuleVerdict.FAIL: "F", RuleVerdict.WARN: "B"}.get(self.verdict, "A-")

    def broken(self, severity: Severity) -> list[str]:
        """The sentences of rules of this severity that are not kept."""
        return [each.message for each in self.results if each.message and each.rule.severity is severity]


class UnknownRule(ValueError):
    """A rule that the baseline does not have, or a threshold that it cannot use."""


def apply_rules(rules: Sequence[BaselineRule], observed: Observed) -> Baseline:
    """Every rule of the check. Raises UnknownRule."""
    return Baseline(tuple(_apply(each, observed) for each in rules))


def _apply(rule: BaselineRule, observed: Observed) -> RuleResult:
    look = _RULES.get(rule.name)
    if look is None:
        raise UnknownRule(
            f"The security baseline has no rule {rule.name!r}: allowed are {', '.join(sorted(_RULES))}."
        )
    message = look(rule, observed)
    if message is None:
        return RuleResult(rule, RuleVerdict.PASS)
    if message is RuleVerdict.UNKNOWN:
        return RuleResult(rule, RuleVerdict.UNKNOWN)
    failing = RuleVerdict.FAIL if rule.severity is Severity.FAIL else RuleVerdict.WARN
    return RuleResult(rule, failing, message)


def _tls_version(rule: BaselineRule, observed: Observed) -> str | None:
    if rule.value not in TLS_VERSIONS:
        raise UnknownRule(f"{rule.name} cannot be {rule.value!r}: allowed are {', '.join(TLS_VERSIONS)}.")
    actual = observed.tls_version
    if actual in TLS_VERSIONS and TLS_VERSIONS.index(actual) >= TLS_VERSIONS.index(rule.value):
        return None
    return f"{rule.name}: the connection uses {actual}, at least {rule.value} is wanted"


def _key_size(rule: BaselineRule, observed: Observed) -> str | None:
    """Of RSA (and DSA) keys alone: the others are short by nature."""
    if rule.value is None or not rule.value.isdecimal():
        raise UnknownRule(f"{rule.name} cannot be {rule.value!r}: a number of bits is needed.")
    bits, algorithm = key_size_bits(observed.leaf), key_algorithm(observed.leaf)
    if algorithm not in {"RSA", "DSA"} or bits is None or bits >= int(rule.value):
        return None
    return f"{rule.name}: the {algorithm} key has {bits} bits, at least {rule.value} are wanted"


def _weak_signature(rule: BaselineRule, observed: Observed) -> str | None:
    """Roots are excepted: nobody looks at the signature of what is trusted by itself."""
    for each in observed.chain:
        algorithm = signature_algorithm(each)
        algorithm = "MD2-RSA" if algorithm == _OID_MD2_RSA else algorithm
        if algorithm in WEAK_SIGNATURES and each.subject != each.issuer:
            return f"{rule.name}: {each.subject.rfc4514_string()} is signed with {algorithm}"
    return None


def _weak_cipher(rule: BaselineRule, observed: Observed) -> str | None:
    suite = observed.cipher_suite
    return f"{rule.name}: the connection uses {suite}" if is_weak(suite) else None


def _bad_ca(rule: BaselineRule, observed: Observed) -> str | None:
    for each in observed.chain:
        issuer = organization(each.issuer)
        if issuer in DISTRUSTED_CAS:
            return f"{rule.name}: {each.subject.rfc4514_string()} was issued by {issuer}"
    return None


def _must_staple(_rule: BaselineRule, observed: Observed) -> str | None:
    """Kept where the certificate does not ask for stapling; whether a response came is not seen."""
    try:
        features = observed.leaf.extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    return RuleVerdict.UNKNOWN if x509.TLSFeatureType.status_request in features else None


def _timestamps(_rule: BaselineRule, observed: Observed) -> str | None:
    """Kept where the certificate holds timestamps; those of the handshake are not seen."""
    try:
        observed.leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    except (x509.ExtensionNotFound, ValueError):
        return RuleVerdict.UNKNOWN
    return None


_RULES: dict[str, Callable[[BaselineRule, Observed], str | None]] = {
    "minTLSVersion": _tls_version,
    "recommendedTLSVersion": _tls_version,
    "minKeySizeBits": _key_size,
    "recommendedKeySizeBits": _key_size,
    "weakSignatureAlgorithm": _weak_signature,
    "weakCipherSuite": _weak_cipher,
    "knownBadCA": _bad_ca,
    "ocspMustStapleRespected": _must_staple,
    "sctPresent": _timestamps,
}
