"""TLS servers on loopback with certificates of every kind."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of a test, with its root as a file for whoever trusts it."""

    ca: trustme.CA
    roots: Path

    @classmethod
    def found(cls, folder: Path, name: str = "Test Authority") -> "Authority":
        """A new one whose root lies in the folder."""
        ca = trustme.CA(organization_name=name)
        roots = folder / f"{name}.pem"
        ca.cert_pem.write_to_path(str(roots))
        return cls(ca, roots)

    def context(
        self,
        *names: str,
        valid_for: timedelta = timedelta(days=90),
        from_now: timedelta = timedelta(days=-1),
        key_type: trustme.KeyType = trustme.KeyType.ECDSA,
    ) -> ssl.SSLContext:
        """A server's context with a certificate for these names, valid from a moment beside now."""
        begin = datetime.now(UTC) + from_now
        issued = self.ca.issue_cert(
            *names,
            not_before=begin,
            not_after=datetime.now(UTC) + valid_for,
            key_type=key_type,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context


def sign_oneself(
    host: str, *, key_bits: int = 2_048, names: x509.ExtensionType | None = None
) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key with a certificate that nobody else has signed. ``names`` stand there in the host's place."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=key_bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(names or x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def self_signed(folder: Path, host: str, *, key_bits: int = 2_048) -> ssl.SSLContext:
    """A server's context with an RSA certificate that nobody else has signed."""
    key, certificate = sign_oneself(host, key_bits=key_bits)
    pem = folder / "self-signed.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # for keys that are too short
    context.load_cert_chain(pem)
    return context


@asynccontextmanager
async def tls_server(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that shakes hands and waits for the client to go. Its port."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    # A handshake that fails is the test's wish, not something to be printed.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        asyncio.get_running_loop().set_exception_handler(None)
