"""What a certificate says, in the contract's words, and which names it covers."""

import ipaddress
from datetime import datetime, timedelta
from math import floor

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

JsonObject = dict[str, object]

_SIGNATURES = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "MD5-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA1-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA224: "SHA224-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "SHA256-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "SHA384-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "SHA512-RSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "ECDSA-SHA1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA224: "ECDSA-SHA224",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ECDSA-SHA256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ECDSA-SHA384",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ECDSA-SHA512",
    SignatureAlgorithmOID.DSA_WITH_SHA1: "DSA-SHA1",
    SignatureAlgorithmOID.DSA_WITH_SHA256: "DSA-SHA256",
    SignatureAlgorithmOID.ED25519: "Ed25519",
    SignatureAlgorithmOID.ED448: "Ed448",
}


def days_until_expiry(certificate: x509.Certificate, at: datetime) -> int:
    """Whole days left, rounded down: 0 on the last day, below 0 once expired."""
    return floor((certificate.not_valid_after_utc - at) / timedelta(days=1))


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the whole certificate, in lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def common_name(name: x509.Name) -> str | None:
    """The name's first CN. None where it has none."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else None


def organization(name: x509.Name) -> str | None:
    """The name's first O. None where it has none."""
    found = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(found[0].value) if found else None


def signature_algorithm(certificate: x509.Certificate) -> str:
    """SHA256-RSA, ECDSA-SHA384; for others the number of the algorithm."""
    oid = certificate.signature_algorithm_oid
    if oid == SignatureAlgorithmOID.RSASSA_PSS:
        used = certificate.signature_hash_algorithm
        return f"{used.name.upper()}-RSAPSS" if used else "RSAPSS"
    return _SIGNATURES.get(oid, oid.dotted_string)


def key_algorithm(certificate: x509.Certificate) -> str:
    """RSA, ECDSA, DSA, Ed25519, Ed448; for others the number of the algorithm."""
    match _public_key(certificate):
        case rsa.RSAPublicKey():
            return "RSA"
        case ec.EllipticCurvePublicKey():
            return "ECDSA"
        case dsa.DSAPublicKey():
            return "DSA"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case _:
            return certificate.public_key_algorithm_oid.dotted_string


def key_size_bits(certificate: x509.Certificate) -> int | None:
    """The public key's size. None for kinds that have none."""
    key = _public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey):
        return key.key_size
    return 256 if isinstance(key, ed25519.Ed25519PublicKey) else None


def _public_key(certificate: x509.Certificate) -> CertificatePublicKeyTypes | None:
    try:
        return certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether its own key signed it."""
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, TypeError, ValueError):
        pass  # a signature too old to be checked, SHA-1: its name is believed
    return True


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def alternative_names(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses that it is for, as written in it."""
    names = _alternatives(certificate)
    if names is None:
        return []
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def covers(certificate: x509.Certificate, host: str) -> bool:
    """Whether it is for this host (RFC 9525): by its alternative names alone, never by its common name.

    A `*` stands for one whole label, the first.
    """
    names = _alternatives(certificate)
    if names is None:
        return False
    try:
        return ipaddress.ip_address(host.strip("[]")) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        pass
    wanted = _labels(host)
    return any(_matches(_labels(each), wanted) for each in names.get_values_for_type(x509.DNSName))


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _labels(name: str) -> list[str]:
    bare = name.rstrip(".")
    try:
        bare = bare if bare.isascii() else bare.encode("idna").decode()
    except UnicodeError:
        return []
    return bare.lower().split(".")


def _matches(pattern: list[str], wanted: list[str]) -> bool:
    if pattern == wanted:
        return bool(wanted)
    is_wildcard = len(pattern) > 2 and pattern[0] == "*"  # noqa: PLR2004 - a label and a public suffix
    return is_wildcard and any(wanted[:1]) and wanted[1:] == pattern[1:]


def as_json(
    certificate: x509.Certificate, at: datetime, *, issuer: x509.Certificate | None = None
) -> JsonObject:
    """The contract's certificate. ``serialNumber`` and fingerprints in lower-case hex."""
    return {
        "subjectCN": common_name(certificate.subject),
        "subject": certificate.subject.rfc4514_string(),
        "issuerCN": common_name(certificate.issuer),
        "issuer": certificate.issuer.rfc4514_string(),
        "serialNumber": f"{certificate.serial_number:x}",
        "notBefore": certificate.not_valid_before_utc.isoformat(),
        "notAfter": certificate.not_valid_after_utc.isoformat(),
        "daysUntilExpiry": days_until_expiry(certificate, at),
        "fingerprintSha256": fingerprint(certificate),
        "issuerFingerprintSha256": fingerprint(issuer) if issuer else None,
        "keyAlgorithm": key_algorithm(certificate),
        "keySizeBits": key_size_bits(certificate),
        "signatureAlgorithm": signature_algorithm(certificate),
        "sans": alternative_names(certificate),
        "selfSigned": is_self_signed(certificate),
        "isCA": is_ca(certificate),
    }
