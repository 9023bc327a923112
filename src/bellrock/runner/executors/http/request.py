"""A request as it goes out and a response as it came in. Times in ms."""

from dataclasses import dataclass, field

from bellrock.domain.outcomes import Blame
from bellrock.domain.specs import IpFamily

MOST_REDIRECTS = 20
MOST_BODY_BYTES = 25 * 1024**2
KEPT_BODY_BYTES = 64 * 1024
"""What a result keeps of a body."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate for one request. PEM texts; ``ca`` is trusted besides the system's authorities."""

    cert: bytes
    key: bytes = field(repr=False)
    ca: bytes = b""
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One request without any template, followed along its redirects where that is wanted.

    ``kept_body_bytes`` bounds what is kept of the response's body; all of it is read, up to
    `MOST_BODY_BYTES`.
    """

    url: str
    method: str = "GET"
    headers: Headers = ()
    body: bytes | None = None
    login: tuple[str, str] | None = field(default=None, repr=False)
    follow_redirects: bool = True
    skip_ssl: bool = False
    ip_family: IpFamily = IpFamily.V4
    kept_body_bytes: int = MOST_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Moments:
    """When one request, without its redirects, reached what: ms after its start, 0 where it did not."""

    looked_up: float = 0.0
    connected: float = 0.0
    secured: float = 0.0
    first_byte: float = 0.0
    end: float = 0.0
    is_secure: bool = False

    @property
    def ready(self) -> float:
        """When the connection, with its TLS where it has one, was there."""
        return max(self.connected, self.secured)

    def phases(self) -> tuple[float, float, float, float]:
        """How long looking up, connecting with TLS, waiting and downloading took.

        Of a request that failed, the phase in which it did has the rest of the time.
        """
        end = self.end
        looked_up = self.looked_up or end
        ready = self.ready if self.connected and (self.secured or not self.is_secure) else end
        first_byte = self.first_byte or end
        return (
            looked_up,
            max(ready - looked_up, 0.0),
            max(first_byte - ready, 0.0),
            max(end - first_byte, 0.0),
        )


@dataclass(frozen=True, slots=True)
class Times:
    """The moments of a request and of those that its redirects led to, in order."""

    requests: tuple[Moments, ...]

    @property
    def total(self) -> float:
        """Ms from the first request's start to the last response's end."""
        return sum(each.end for each in self.requests)

    def timings(self) -> dict[str, float]:
        """The contract's `timings`: the last request's moments, ms after the first one's start."""
        *before, last = self.requests
        start = sum(each.end for each in before) if before else 0.0
        return {
            "socket": round(start, 3),
            "lookup": round(start + last.looked_up, 3),
            "connect": round(start + last.ready, 3),
            "response": round(start + last.first_byte, 3),
            "end": round(start + last.end, 3),
        }

    def phases(self) -> dict[str, float]:
        """The contract's `timingPhases`: durations, summed over redirects. `tcp` includes TLS."""
        of_each = (each.phases() for each in self.requests)
        dns, tcp, first_byte, download = map(sum, zip(*of_each, strict=True))
        return {
            "wait": 0.0,
            "dns": round(dns, 3),
            "tcp": round(tcp, 3),
            "firstByte": round(first_byte, 3),
            "download": round(download, 3),
            "total": round(self.total, 3),
        }


@dataclass(frozen=True, slots=True)
class Response:
    """The last response, after redirects. ``body`` may be its beginning only, of ``body_bytes`` in all.

    ``headers`` are in lower case; those that came more than once are joined by a comma. ``charset``
    overrules what they say of the body.
    """

    status: int
    status_text: str
    headers: dict[str, str]
    body: bytes
    body_bytes: int
    url: str
    ip: str
    redirects: int
    times: Times
    charset: str | None = None


class RequestFailed(Exception):
    """No usable response. ``code`` is a stable word, the message a sentence; ``times`` how far it got."""

    def __init__(self, code: str, message: str, *, times: Times, blame: Blame = Blame.TARGET) -> None:
        super().__init__(message)
        self.code = code
        self.times = times
        self.blame = blame
