"""Cipher suites: OpenSSL's names as IANA's, and which of them are weak."""

import re

_KEY_EXCHANGES = (
    ("ECDHE-ECDSA-", "ECDHE_ECDSA"),
    ("ECDHE-RSA-", "ECDHE_RSA"),
    ("ECDHE-ARIA", "ECDHE_RSA"),  # the one family whose name leaves RSA out
    ("DHE-RSA-", "DHE_RSA"),
    ("DHE-DSS-", "DHE_DSS"),
)
_CIPHER = re.compile(
    r"^(?P<cipher>AES|CAMELLIA|ARIA)(?P<bits>128|256)(?:-(?P<mode>GCM|CCM8|CCM))?(?:-(?P<mac>SHA\d*))?$"
)
_OTHERS = {
    "CHACHA20-POLY1305": "CHACHA20_POLY1305_SHA256",
    "DES-CBC3-SHA": "3DES_EDE_CBC_SHA",
    "RC4-SHA": "RC4_128_SHA",
    "RC4-MD5": "RC4_128_MD5",
    "SEED-SHA": "SEED_CBC_SHA",
    "IDEA-CBC-SHA": "IDEA_CBC_SHA",
}
_WEAK = re.compile(r"RC4|3DES|_DES_|_DES40|EXPORT|NULL|_anon_|RC2|SEED|IDEA|MD5")


def iana_name(openssl_name: str) -> str:
    """ECDHE-RSA-AES128-GCM-SHA256 as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; unknown ones as they are."""
    if openssl_name.startswith("TLS_"):
        return openssl_name
    exchange, rest = "RSA", openssl_name
    for prefix, name in _KEY_EXCHANGES:
        if openssl_name.startswith(prefix):
            exchange, rest = name, openssl_name.removeprefix(prefix.removesuffix("ARIA"))
            break
    cipher = _OTHERS.get(rest) or _block_cipher(rest)
    return openssl_name if cipher is None else f"TLS_{exchange}_WITH_{cipher}"


def is_weak(iana: str) -> bool:
    """Whether a suite uses what can be broken: RC4, DES, 3DES, RC2, SEED, IDEA, MD5, export keys, or nothing.

    Suites in CBC mode and those without forward secrecy are not counted among them.
    """
    return _WEAK.search(iana) is not None


def _block_cipher(name: str) -> str | None:
    match = _CIPHER.match(name)
    if match is None:
        return None
    head = f"{match['cipher']}_{match['bits']}"
    if match["mode"] in {"CCM", "CCM8"}:
        return f"{head}_{match['mode'].replace('CCM8', 'CCM_8')}"
    return f"{head}_{match['mode'] or 'CBC'}_{match['mac']}"
