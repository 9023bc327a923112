"""One request on a libcurl handle: its options, what it receives, and when what happened."""

import os
import socket
import ssl
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pycurl

from bellrock.domain.specs import IpFamily
from bellrock.runner.executors.http.request import MOST_BODY_BYTES, Certificate, Moments, Request
from bellrock.runner.executors.http.transfers import Transfers
from bellrock.runner.network import NetworkGuard

USER_AGENT = "Bellrock/1 (+synthetic monitoring)"

_S_TO_MS = 1_000
_BUFFER_BYTES = 128 * 1024
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say that their body is empty."""
_KEY_EXCHANGES = "X25519:P-256:P-384:P-521:X25519MLKEM768"
"""All that OpenSSL offers, the cheapest first: the key share of a hybrid one costs more than the request."""
_WEB = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
_Where = tuple[int, int, int, tuple[str, int]]
_ALWAYS = (
    (pycurl.PROTOCOLS, _WEB),
    (pycurl.NOSIGNAL, 1),  # signals would hit another thread
    (pycurl.PROXY, ""),  # a monitor measures the target, not this machine's proxy
    (pycurl.ACCEPT_ENCODING, ""),
    # Every check looks the name up, connects and verifies the certificate by itself.
    (pycurl.FRESH_CONNECT, 1),
    (pycurl.FORBID_REUSE, 1),
    (pycurl.DNS_CACHE_TIMEOUT, 0),
    (pycurl.SSL_SESSIONID_CACHE, 0),
    (pycurl.SSL_EC_CURVES, _KEY_EXCHANGES),
    (pycurl.BUFFERSIZE, _BUFFER_BYTES),
    (pycurl.USERAGENT, USER_AGENT),
)


@dataclass(slots=True)
class Hop:
    """What one request brought. ``error`` is libcurl's number and text where it failed."""

    status: int = 0
    lines: list[bytes] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    body_bytes: int = 0
    location: str | None = None
    url: str = ""
    ip: str = ""
    is_secure: bool = False
    moments: Moments = field(default_factory=Moments)
    error: tuple[int, str] | None = None
    errno: int = 0
    """What the operating system said last, where the request failed."""
    refused: str | None = None
    """The address that the runner's network policy refused."""

    @property
    def body(self) -> bytes:
        """What was kept of the body: at least as much as was asked for, or all."""
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)


async def carry_out(
    transfers: Transfers,
    request: Request,
    *,
    timeout_s: float,
    certificate: Certificate | None = None,
    guard: NetworkGuard | None = None,
) -> Hop:
    """The request, by itself: on a new connection, with nothing from the environment, no redirects."""
    hop = Hop(is_secure=request.url[:6].lower() == "https:")

    def conclude(curl: pycurl.Curl, error: pycurl.error | None) -> None:
        hop.moments = _moments(curl, hop)
        hop.ip = curl.getinfo(pycurl.PRIMARY_IP)
        if error:
            number, *texts = error.args
            hop.error = (int(number), str(texts[0]) if texts else "")
            hop.errno = curl.getinfo(pycurl.OS_ERRNO)
            return
        hop.status = curl.getinfo(pycurl.RESPONSE_CODE)
        hop.url = curl.getinfo(pycurl.EFFECTIVE_URL)
        hop.location = curl.getinfo(pycurl.REDIRECT_URL)

    def prepare(curl: pycurl.Curl) -> None:
        for option, value in _ALWAYS:
            curl.setopt(option, value)
        _set_target(curl, request, timeout_s)
        _set_method(curl, request)
        _set_headers(curl, request)
        if certificate:
            _set_certificate(curl, certificate)
        if guard:
            curl.setopt(pycurl.OPENSOCKETFUNCTION, _GuardedSockets(hop, guard))
        curl.setopt(pycurl.HEADERFUNCTION, hop.lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, _Receive(hop, request.kept_body_bytes))

    await transfers.perform(prepare, conclude)
    return hop


class _Receive:
    __slots__ = ("_hop", "_left")

    def __init__(self, hop: Hop, most_kept: int) -> None:
        self._hop = hop
        self._left = most_kept

    def __call__(self, chunk: bytes) -> int:
        hop, size = self._hop, len(chunk)
        hop.body_bytes += size
        if self._left > 0:
            hop.chunks.append(chunk)
            self._left -= size
        # Any other number than the chunk's length makes libcurl give up.
        return size if hop.body_bytes <= MOST_BODY_BYTES else -1


class _GuardedSockets:
    __slots__ = ("_guard", "_hop")

    def __init__(self, hop: Hop, guard: NetworkGuard) -> None:
        self._hop = hop
        self._guard = guard

    def __call__(self, _purpose: int, where: _Where) -> "_Descriptor | int":
        family, kind, protocol, address = where
        if self._guard.refuses(address[0], address[1]):
            self._hop.refused = f"{address[0]}, port {address[1]}"
            return pycurl.SOCKET_BAD
        return _Descriptor(socket.socket(family, kind, protocol).detach())


class _Descriptor:
    """A socket that pycurl makes a duplicate of, and then lets go."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def __del__(self) -> None:
        os.close(self._number)


def _set_target(curl: pycurl.Curl, request: Request, timeout_s: float) -> None:
    verify = 0 if request.skip_ssl else 1
    v6 = request.ip_family is IpFamily.V6
    curl.setopt(pycurl.URL, request.url)
    curl.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V6 if v6 else pycurl.IPRESOLVE_V4)
    curl.setopt(pycurl.SSL_VERIFYPEER, verify)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2 * verify)
    curl.setopt(pycurl.CAINFO, authorities_file())
    # 0 would mean: without any limit.
    curl.setopt(pycurl.TIMEOUT_MS, max(1, int(timeout_s * _S_TO_MS)))
    if request.login:
        name, password = request.login
        curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_BASIC)
        curl.setopt(pycurl.USERNAME, name.encode())
        curl.setopt(pycurl.PASSWORD, password.encode())


def _set_method(curl: pycurl.Curl, request: Request) -> None:
    method, body = request.method, request.body
    if method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
        return
    if body is None and method in _WITH_LENGTH:
        body = b""
    if body is not None:
        curl.setopt(pycurl.POSTFIELDS, body)
    if method != ("GET" if body is None else "POST"):
        curl.setopt(pycurl.CUSTOMREQUEST, method)


def _set_headers(curl: pycurl.Curl, request: Request) -> None:
    names = {name.lower() for name, _ in request.headers}
    # libcurl leaves a header without a value out, unless a semicolon stands in the colon's place.
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in request.headers]
    if request.body is not None or request.method in _WITH_LENGTH:
        lines += [f"{name}:" for name in ("Content-Type", "Expect") if name.lower() not in names]
    if lines:
        curl.setopt(pycurl.HTTPHEADER, [line.encode() for line in lines])


def _set_certificate(curl: pycurl.Curl, certificate: Certificate) -> None:
    curl.setopt(pycurl.SSLCERT_BLOB, certificate.cert)
    curl.setopt(pycurl.SSLKEY_BLOB, certificate.key)
    # A key that is locked and comes without a passphrase must fail, and not ask on the runner's terminal.
    curl.setopt(pycurl.KEYPASSWD, certificate.passphrase.partition("\0")[0].encode())
    if certificate.ca:
        known = Path(authorities_file()).read_bytes()
        curl.setopt(pycurl.CAINFO_BLOB, known + b"\n" + certificate.ca)


@cache
def authorities_file() -> str:
    """The file with the authorities that this machine trusts; SSL_CERT_FILE names another one."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or "/etc/ssl/certs/ca-certificates.crt"


def _moments(curl: pycurl.Curl, hop: Hop) -> Moments:
    info = curl.getinfo
    return Moments(
        looked_up=info(pycurl.NAMELOOKUP_TIME) * _S_TO_MS,
        connected=info(pycurl.CONNECT_TIME) * _S_TO_MS,
        secured=info(pycurl.APPCONNECT_TIME) * _S_TO_MS,
        # libcurl notes one too where a handshake is broken off.
        first_byte=info(pycurl.STARTTRANSFER_TIME) * _S_TO_MS if hop.lines else 0.0,
        end=info(pycurl.TOTAL_TIME) * _S_TO_MS,
        is_secure=hop.is_secure,
    )
