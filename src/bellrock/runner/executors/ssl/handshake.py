"""A TLS handshake with the duration of every phase, and with what the server showed in it."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509

from bellrock.domain.outcomes import Blame
from bellrock.domain.specs import HostCertificate
from bellrock.runner.network import NetworkGuard
from bellrock.runner.reaching import Address, NotReached, Phase, connect, explain
from bellrock.runner.threads import in_own_thread

# Weak suites are offered too: that a server takes one shall be found out, not end in a failed handshake.
_SUITES = "ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0"
_READ_BYTES = 16 * 1024
_MS = 1_000
_DER = 2  # _ssl.ENCODING_DER


class _InnerCertificate(Protocol):
    def public_bytes(self, encoding: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why OpenSSL does not trust a chain: its number and its words."""

    code: int
    detail: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake that succeeded.

    ``chain`` is what the server sent, its own certificate first; ``trusted_chain`` what OpenSSL built from
    it up to a root, empty where ``distrust`` says why there is none. Durations in ms.
    """

    address: Address
    tls_version: str
    cipher: str
    chain: tuple[x509.Certificate, ...]
    trusted_chain: tuple[x509.Certificate, ...]
    distrust: Distrust | None
    connect_ms: float
    handshake_ms: float


@dataclass(frozen=True, slots=True)
class _Target:
    address: Address
    port: int
    server_name: str
    certificate: HostCertificate | None
    guard: NetworkGuard | None


async def shake_hands(
    address: Address,
    port: int,
    *,
    server_name: str,
    roots: Path | None,
    certificate: HostCertificate | None,
    handshake_s: float,
    deadline: float,
    guard: NetworkGuard | None,
) -> Handshake:
    """One handshake that verifies the chain against ``roots`` (None: this machine's); names are not compared.

    A client certificate is shown to a server that asks for one, and its authorities are trusted as well.
    Where the chain is not trusted, a second connection looks at it without verifying. Raises NotReached.
    """
    target = _Target(address, port, server_name.strip("[]").rstrip("."), certificate, guard)
    try:
        return await _attempt(target, roots=roots, verifies=True, handshake_s=handshake_s, deadline=deadline)
    except ssl.SSLCertVerificationError as error:
        distrust = Distrust(error.verify_code, error.verify_message)
    return await _attempt(
        target, roots=roots, verifies=False, handshake_s=handshake_s, deadline=deadline, distrust=distrust
    )


async def _attempt(
    target: _Target,
    *,
    roots: Path | None,
    verifies: bool,
    handshake_s: float,
    deadline: float,
    distrust: Distrust | None = None,
) -> Handshake:
    # Reading this machine's roots takes long enough for other runs to notice.
    context = await in_own_thread(
        lambda: _context(roots if verifies else None, target.certificate, verifies=verifies)
    )
    began = time.monotonic()
    timeout_s = max(0.0, deadline - began)
    connection = await connect(target.address, target.port, timeout_s=timeout_s, guard=target.guard)
    with closing(connection):
        connected = time.monotonic()
        timeout_s = max(0.0, min(handshake_s, deadline - connected))
        tls = await _secured(connection, context, target, timeout_s=timeout_s)
        done = time.monotonic()
        cipher = tls.cipher()
        return Handshake(
            address=target.address,
            tls_version=(tls.version() or "").replace("TLSv1.", "TLS1.").replace("TLSv1", "TLS1.0"),
            cipher=cipher[0] if cipher else "",
            chain=_certificates(tls, verified=False),
            trusted_chain=_certificates(tls, verified=True) if verifies else (),
            distrust=distrust,
            connect_ms=(connected - began) * _MS,
            handshake_ms=(done - connected) * _MS,
        )


def _context(roots: Path | None, certificate: HostCertificate | None, *, verifies: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    context.set_ciphers(_SUITES)
    if verifies and roots is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif verifies:
        context.load_verify_locations(cafile=roots)
    if certificate is not None:
        _show(certificate, context)
    return context


def _show(certificate: HostCertificate, context: ssl.SSLContext) -> None:
    # OpenSSL reads it from a file, by name: one that exists in memory alone, since it holds a private key.
    with os.fdopen(os.memfd_create("client-certificate"), "wb", buffering=0) as file:
        file.write(f"{certificate.cert}\n{certificate.key}".encode())
        try:
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password=certificate.passphrase)
            if certificate.ca:
                context.load_verify_locations(cadata=certificate.ca)
        except (ssl.SSLError, ValueError) as error:
            reason = _words(error) if isinstance(error, ssl.SSLError) else str(error)
            sentence = f"the client certificate for {certificate.host} cannot be used: {reason}."
            raise NotReached(
                "BAD_CLIENT_CERTIFICATE", Phase.HANDSHAKE, sentence, blame=Blame.CHECK
            ) from error


async def _secured(
    connection: socket.socket, context: ssl.SSLContext, target: _Target, *, timeout_s: float
) -> ssl.SSLObject:
    """The TLS layer after its handshake. Raises NotReached, and ssl.SSLCertVerificationError."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _handshake(connection, context, target.server_name)
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        sentence = (
            f"{target.address.ip} port {target.port} and this runner agreed on no TLS: {_words(error)}."
        )
        raise NotReached("HANDSHAKE_FAILED", Phase.HANDSHAKE, sentence) from error
    except ValueError as error:  # a server name that cannot be sent
        sentence = f"{target.server_name!r} is no server name: {error}."
        raise NotReached("BAD_HOSTNAME", Phase.HANDSHAKE, sentence, blame=Blame.CHECK) from error
    except OSError as error:
        raise explain(error, Phase.HANDSHAKE, target.address, target.port, waited_s=timeout_s) from error


async def _handshake(connection: socket.socket, context: ssl.SSLContext, server_name: str) -> ssl.SSLObject:
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            await loop.sock_sendall(connection, outgoing.read())
            received = await loop.sock_recv(connection, _READ_BYTES)
            if received:
                incoming.write(received)
            else:
                incoming.write_eof()
        except ssl.SSLError:
            with suppress(OSError):  # the server shall hear why
                await loop.sock_sendall(connection, outgoing.read())
            raise
        else:
            await loop.sock_sendall(connection, outgoing.read())
            return tls


def _certificates(tls: ssl.SSLObject, *, verified: bool) -> tuple[x509.Certificate, ...]:
    name = "get_verified_chain" if verified else "get_unverified_chain"
    # Public since Python 3.13, where it yields bytes; before that the inner object has it, with its own type.
    inner = tls if hasattr(tls, name) else tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
    shown: Sequence[bytes | _InnerCertificate] = getattr(inner, name)() or ()
    try:
        return tuple(
            x509.load_der_x509_certificate(each if isinstance(each, bytes) else each.public_bytes(_DER))
            for each in shown
        )
    except ValueError as error:
        sentence = f"a certificate of the server cannot be read: {error}."
        raise NotReached("BAD_CERTIFICATE", Phase.HANDSHAKE, sentence) from error


def _words(error: ssl.SSLError) -> str:
    reason = error.reason or (error.args[1] if len(error.args) > 1 else str(error))
    return str(reason).lower().replace("_", " ").rstrip(".")
