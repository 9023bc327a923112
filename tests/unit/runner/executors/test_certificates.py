"""Names of hosts and of cipher suites: what OpenSSL says is what the certificate's reader says."""

import shutil
import ssl
import subprocess

import pytest
import trustme
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from bellrock.runner.executors.ssl.certificate import alternative_names, covers
from bellrock.runner.executors.ssl.ciphers import iana_name, is_weak
from tests.support.tls_servers import sign_oneself

CA = trustme.CA()
_WRONG_HOST = {62, 64}  # of X509_V_ERR: host name, address
NAMES = ["shop.test", "*.shop.test", "127.0.0.1", "::1", "xn--bcher-kva.test", "Upper.test", "*.com"]
HOSTS = [
    "shop.test",
    "SHOP.test",
    "www.shop.test",
    "a.www.shop.test",
    "test",
    ".shop.test",
    "127.0.0.1",
    "127.0.0.2",
    "::1",
    "bücher.test",
    "upper.test",
    "other.com",
    "shop.test.evil",
    "evilshop.test",
    "\u00fc" * 70 + ".test",
]


def openssl_covers(issued: trustme.LeafCert, host: str) -> bool:
    """Whether OpenSSL takes the certificate for the host, found by a handshake in memory."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(server_context)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    CA.configure_trust(client_context)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up, server_hostname=host)
    server = server_context.wrap_bio(up, down, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            if error.verify_code not in _WRONG_HOST:
                raise
            return False
    return True


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_certificate_is_for_the_hosts_that_openssl_takes_it_for(name: str, host: str) -> None:
    issued = CA.issue_cert(name)
    certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    try:
        expected = openssl_covers(issued, host)
    except ValueError:
        expected = False  # no name that can be asked for
    assert covers(certificate, host) is expected


def test_names_that_cannot_be_read_are_the_names_of_no_host() -> None:
    unreadable = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\xff\xff")
    _, certificate = sign_oneself("shop.test", names=unreadable)
    assert not covers(certificate, "shop.test")
    assert alternative_names(certificate) == []


def test_the_dot_at_the_end_of_a_whole_name_is_no_part_of_it() -> None:
    issued = CA.issue_cert("shop.test")
    assert covers(x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()), "shop.test.")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl lists the names")
def test_cipher_suites_have_the_names_of_iana() -> None:
    listed = subprocess.run(
        ["openssl", "ciphers", "-stdname", "ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    names = {line.split()[2]: line.split()[0] for line in listed.splitlines()}
    assert len(names) > 20
    assert {each: iana_name(each) for each in names} == names


@pytest.mark.parametrize(
    ("suite", "weak"),
    [
        ("TLS_AES_128_GCM_SHA256", False),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", False),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", True),
        ("TLS_RSA_WITH_RC4_128_SHA", True),
        ("TLS_RSA_WITH_NULL_SHA256", True),
        ("TLS_DH_anon_WITH_AES_128_CBC_SHA", True),
        ("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", True),
    ],
)
def test_suites_that_can_be_broken_are_weak(suite: str, *, weak: bool) -> None:
    assert is_weak(suite) is weak
