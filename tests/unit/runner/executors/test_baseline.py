"""The security baseline's rules, on certificates made for them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from bellrock.domain.specs import BaselineRule, Severity
from bellrock.runner.executors.ssl.baseline import Baseline, Observed, UnknownRule, apply_rules
from bellrock.runner.executors.ssl.certificate import is_self_signed

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
GOOD_SUITE = "TLS_AES_128_GCM_SHA256"


def certificate(
    *,
    issuer: str = "Good Authority",
    subject: str = "shop.test",
    extension: x509.ExtensionType | None = None,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
) -> x509.Certificate:
    def name(organization: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)])

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    if extension:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256())


def with_sha1(signed: x509.Certificate) -> x509.Certificate:
    """The same, said to be signed with SHA-1: nobody makes such a signature any more."""
    der = signed.public_bytes(serialization.Encoding.DER)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    return x509.load_der_x509_certificate(der.replace(sha256, sha1))


def test_whoever_signs_in_its_own_name_is_self_signed() -> None:
    root = certificate(subject="Root", issuer="Root")
    assert is_self_signed(root)
    assert is_self_signed(with_sha1(root))
    assert not is_self_signed(certificate(issuer="Root"))
    assert not is_self_signed(certificate(subject="Root", issuer="Root", key=OTHER_KEY))


def look(
    name: str,
    *chain: x509.Certificate,
    value: str | None = None,
    tls_version: str = "TLS1.3",
    suite: str = GOOD_SUITE,
) -> Baseline:
    observed = Observed(tls_version, suite, chain or (certificate(),))
    return apply_rules((BaselineRule(name, Severity.FAIL, value),), observed)


def test_a_distrusted_authority_anywhere_in_the_chain_fails() -> None:
    assert look("knownBadCA").grade == "A-"
    chain = (certificate(issuer="Reseller"), certificate(subject="Reseller", issuer="Entrust, Inc."))
    assert look("knownBadCA", *chain).grade == "F"


def test_a_signature_with_sha1_fails_but_on_a_root() -> None:
    weak = with_sha1(certificate())
    root = with_sha1(certificate(subject="Root", issuer="Root"))
    assert look("weakSignatureAlgorithm", weak).grade == "F"
    assert look("weakSignatureAlgorithm", certificate(issuer="Root"), root).grade == "A-"


def test_a_weak_cipher_suite_fails() -> None:
    assert look("weakCipherSuite").grade == "A-"
    assert look("weakCipherSuite", suite="TLS_RSA_WITH_3DES_EDE_CBC_SHA").grade == "F"


def test_key_sizes_are_asked_of_rsa_keys_alone() -> None:
    assert look("minKeySizeBits", value="2048").grade == "A-"
    assert look("minKeySizeBits", value="2049").grade == "F"
    assert (
        look("minKeySizeBits", certificate(key=ec.generate_private_key(ec.SECP256R1())), value="2048").grade
        == "A-"
    )


@pytest.mark.parametrize(
    ("actual", "grade"), [("TLS1.3", "A-"), ("TLS1.2", "A-"), ("TLS1.1", "F"), ("", "F")]
)
def test_versions_of_tls_are_in_order(actual: str, grade: str) -> None:
    assert look("minTLSVersion", value="TLS1.2", tls_version=actual).grade == grade


def test_whether_must_staple_is_respected_is_not_known() -> None:
    must_staple = certificate(extension=x509.TLSFeature([x509.TLSFeatureType.status_request]))
    assert [each.verdict for each in look("ocspMustStapleRespected").results] == ["pass"]
    assert [each.verdict for each in look("ocspMustStapleRespected", must_staple).results] == ["unknown"]


@pytest.mark.parametrize(
    ("name", "value"), [("minTLSVersion", "1.2"), ("minTLSVersion", None), ("minKeySizeBits", "many")]
)
def test_a_threshold_that_cannot_be_used_is_named(name: str, value: str | None) -> None:
    with pytest.raises(UnknownRule, match=name):
        look(name, value=value)


def test_the_worst_rule_makes_the_grade() -> None:
    rules = (
        BaselineRule("recommendedKeySizeBits", Severity.IGNORE, "3072"),
        BaselineRule("recommendedTLSVersion", Severity.DEGRADE, "TLS1.3"),
        BaselineRule("minTLSVersion", Severity.FAIL, "TLS1.2"),
    )
    new, middling, old = (
        apply_rules(rules, Observed(version, GOOD_SUITE, (certificate(),)))
        for version in ("TLS1.3", "TLS1.2", "TLS1.1")
    )
    assert [each.grade for each in (new, middling, old)] == ["B", "B", "F"]
    assert new.broken(Severity.DEGRADE) == []
    assert len(middling.broken(Severity.DEGRADE)) == 1
