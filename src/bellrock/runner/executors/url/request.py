"""One GET with the duration of every phase, by libcurl. Blocking: call it in a worker thread."""

from dataclasses import dataclass
from io import BytesIO

import pycurl

MOST_REDIRECTS = 20
KEPT_BODY_BYTES = 64 * 1024
MOST_BODY_BYTES = 25 * 1024**2
USER_AGENT = "Bellrock/1 (+synthetic monitoring)"

_S_TO_MS = 1_000


@dataclass(frozen=True, slots=True)
class UrlRequest:
    """What to ask, and how long it may take in all."""

    url: str
    follow_redirects: bool
    skip_ssl: bool
    ip_family: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened, in ms after the start, summed over redirects where libcurl sums them."""

    looked_up: float
    connected: float
    secured: float
    sent: float
    first_byte: float
    end: float
    redirects: float

    def timings(self) -> dict[str, float]:
        """The contract's `timings`: moments after the start."""
        return {
            "socket": 0.0,
            "lookup": self.looked_up,
            "connect": max(self.connected, self.secured),
            "response": self.first_byte,
            "end": self.end,
        }

    def phases(self) -> dict[str, float]:
        """The contract's `timingPhases`: durations. `tcp` includes TLS, `firstByte` redirects."""
        ready = max(self.connected, self.secured)
        return {
            "wait": 0.0,
            "dns": self.looked_up,
            "tcp": max(ready - self.looked_up, 0.0),
            "firstByte": max(self.first_byte - ready, 0.0),
            "download": max(self.end - self.first_byte, 0.0),
            "total": self.end,
        }


@dataclass(frozen=True, slots=True)
class UrlResponse:
    """The last response, after redirects. ``body`` holds its first bytes only."""

    status: int
    status_text: str
    headers: dict[str, str]
    body: bytes
    body_bytes: int
    url: str
    ip: str
    redirects: int
    moments: Moments


class RequestFailed(Exception):
    """No usable response. ``code`` is a stable word, the message a sentence; ``moments`` how far it got."""

    def __init__(self, code: str, message: str, *, moments: Moments, blames_check: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.moments = moments
        self.blames_check = blames_check


class _Receiver:
    def __init__(self) -> None:
        self.status_text = ""
        self.headers: dict[str, str] = {}
        self.kept = BytesIO()
        self.body_bytes = 0

    def on_header(self, line: bytes) -> None:
        text = line.decode("iso-8859-1").strip()
        if text.startswith("HTTP/"):
            # A new response begins: after a redirect, or after 100 Continue.
            self.status_text = text.partition(" ")[2].partition(" ")[2]
            self.headers = {}
        elif ":" in text:
            name, _, value = text.partition(":")
            name = name.strip().lower()
            known = self.headers.get(name)
            self.headers[name] = value.strip() if known is None else f"{known}, {value.strip()}"

    def on_body(self, chunk: bytes) -> int:
        self.body_bytes += len(chunk)
        self.kept.write(chunk[: max(KEPT_BODY_BYTES - self.kept.tell(), 0)])
        # Any other number than the chunk's length makes libcurl give up.
        return len(chunk) if self.body_bytes <= MOST_BODY_BYTES else -1


def get(request: UrlRequest) -> UrlResponse:
    """Carry out the request, with a fresh connection and nothing from the environment.

    :raises RequestFailed: there is no usable response.
    """
    curl = pycurl.Curl()
    receiver = _Receiver()
    try:
        _configure(curl, request, receiver)
        curl.perform()
        return UrlResponse(
            status=curl.getinfo(pycurl.RESPONSE_CODE),
            status_text=receiver.status_text,
            headers=receiver.headers,
            body=receiver.kept.getvalue(),
            body_bytes=receiver.body_bytes,
            url=curl.getinfo(pycurl.EFFECTIVE_URL),
            ip=curl.getinfo(pycurl.PRIMARY_IP),
            redirects=curl.getinfo(pycurl.REDIRECT_COUNT),
            moments=_moments(curl),
        )
    except pycurl.error as error:
        number, detail = _number_and_detail(error)
        code, sentence = _explain(number, request)
        message = f"{sentence} ({detail})" if detail else sentence
        is_checks_fault = number in (pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL)
        raise RequestFailed(code, message, moments=_moments(curl), blames_check=is_checks_fault) from error
    finally:
        curl.close()


def _configure(curl: pycurl.Curl, request: UrlRequest, receiver: _Receiver) -> None:
    family = pycurl.IPRESOLVE_V6 if request.ip_family == "IPv6" else pycurl.IPRESOLVE_V4
    options = {
        pycurl.URL: request.url.encode(),
        pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        pycurl.REDIR_PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        pycurl.FOLLOWLOCATION: int(request.follow_redirects),
        pycurl.MAXREDIRS: MOST_REDIRECTS,
        pycurl.IPRESOLVE: family,
        pycurl.SSL_VERIFYPEER: 0 if request.skip_ssl else 1,
        pycurl.SSL_VERIFYHOST: 0 if request.skip_ssl else 2,
        pycurl.TIMEOUT_MS: int(request.timeout_s * _S_TO_MS),
        pycurl.NOSIGNAL: 1,  # signals would hit another thread
        pycurl.PROXY: "",  # a monitor measures the target, not this machine's proxy
        pycurl.USERAGENT: USER_AGENT,
        pycurl.ACCEPT_ENCODING: "",
        pycurl.FRESH_CONNECT: 1,
        pycurl.FORBID_REUSE: 1,
        pycurl.HEADERFUNCTION: receiver.on_header,
        pycurl.WRITEFUNCTION: receiver.on_body,
    }
    for option, value in options.items():
        curl.setopt(option, value)


def _moments(curl: pycurl.Curl) -> Moments:
    def ms(what: int) -> float:
        return round(float(curl.getinfo(what)) * _S_TO_MS, 3)

    return Moments(
        looked_up=ms(pycurl.NAMELOOKUP_TIME),
        connected=ms(pycurl.CONNECT_TIME),
        secured=ms(pycurl.APPCONNECT_TIME),
        sent=ms(pycurl.PRETRANSFER_TIME),
        first_byte=ms(pycurl.STARTTRANSFER_TIME),
        end=ms(pycurl.TOTAL_TIME),
        redirects=ms(pycurl.REDIRECT_TIME),
    )


def _number_and_detail(error: pycurl.error) -> tuple[int, str]:
    number, *details = error.args
    return int(number), str(details[0]) if details else ""


def _explain(number: int, request: UrlRequest) -> tuple[str, str]:
    known = {
        pycurl.E_COULDNT_RESOLVE_HOST: ("DNS_FAILED", "The name could not be resolved"),
        pycurl.E_COULDNT_CONNECT: ("CONNECTION_FAILED", "No connection could be made"),
        pycurl.E_OPERATION_TIMEDOUT: (
            "REQUEST_TIMED_OUT",
            f"No complete response within {request.timeout_s:g} s",
        ),
        pycurl.E_SSL_CONNECT_ERROR: ("TLS_FAILED", "The TLS handshake failed"),
        pycurl.E_PEER_FAILED_VERIFICATION: ("CERTIFICATE_INVALID", "The certificate is not valid"),
        pycurl.E_TOO_MANY_REDIRECTS: ("TOO_MANY_REDIRECTS", f"More than {MOST_REDIRECTS} redirects"),
        pycurl.E_GOT_NOTHING: ("EMPTY_RESPONSE", "The server closed the connection without a response"),
        pycurl.E_WRITE_ERROR: (
            "RESPONSE_TOO_LARGE",
            f"The response is larger than {MOST_BODY_BYTES // 1024**2} MB",
        ),
        pycurl.E_URL_MALFORMAT: ("URL_INVALID", "The URL is not valid"),
        pycurl.E_UNSUPPORTED_PROTOCOL: ("URL_INVALID", "Only http and https can be requested"),
    }
    return known.get(number, ("REQUEST_FAILED", "The request failed"))
