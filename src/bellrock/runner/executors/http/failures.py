"""Why a request has no response: libcurl's numbers as codes and sentences, with whose fault it is."""

import errno
from dataclasses import dataclass

import pycurl

from bellrock.domain.outcomes import Blame
from bellrock.runner.executors.http.hop import Hop
from bellrock.runner.executors.http.request import MOST_BODY_BYTES

_MEGABYTE = 1024**2


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request. ``code`` is a stable word. The runner's fault is an error, not a failure."""

    code: str
    sentence: str
    blame: Blame = Blame.TARGET


_NO_RESPONSE = Failure("EMPTY_RESPONSE", "The server closed the connection without a response")
_RESET = Failure("CONNECTION_LOST", "The connection broke off")
_OF_CONNECTIONS = ("Recv failure", "Send failure", "SSL_read", "SSL_write", "SSL_ERROR", "QUIC")
_BROKEN = Failure("BAD_RESPONSE", "The response breaks the rules of HTTP")
_NO_HTTP = Failure("BAD_RESPONSE", "The response is no HTTP")
_NO_URL = Failure("URL_INVALID", "The URL is not valid", blame=Blame.CHECK)
_UNABLE = Failure("REQUEST_FAILED", "This runner could not make the request", Blame.RUNNER)
_BAD_AUTHORITY = Failure(
    "CLIENT_CERTIFICATE_INVALID", "The client certificate's authority cannot be used", Blame.CHECK
)
_KNOWN = {
    pycurl.E_COULDNT_RESOLVE_HOST: Failure("DNS_FAILED", "The name could not be resolved"),
    pycurl.E_COULDNT_CONNECT: Failure("CONNECTION_FAILED", "No connection could be made"),
    pycurl.E_SSL_CONNECT_ERROR: Failure("TLS_FAILED", "The TLS handshake failed"),
    pycurl.E_SSL_CIPHER: Failure("TLS_FAILED", "The TLS handshake failed"),
    pycurl.E_PEER_FAILED_VERIFICATION: Failure("CERTIFICATE_INVALID", "The certificate is not valid"),
    pycurl.E_SSL_CERTPROBLEM: Failure(
        "CLIENT_CERTIFICATE_INVALID", "The client certificate cannot be used", blame=Blame.CHECK
    ),
    pycurl.E_SSL_CACERT_BADFILE: Failure(
        "NO_AUTHORITIES", "This runner's list of certificate authorities cannot be read", Blame.RUNNER
    ),
    pycurl.E_FAILED_INIT: _UNABLE,
    pycurl.E_OUT_OF_MEMORY: _UNABLE,
    pycurl.E_GOT_NOTHING: _NO_RESPONSE,
    pycurl.E_RECV_ERROR: _RESET,
    pycurl.E_SEND_ERROR: _RESET,
    pycurl.E_PARTIAL_FILE: Failure("INCOMPLETE_RESPONSE", "The response ended too early"),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: _NO_HTTP,
    pycurl.E_HTTP2: Failure("BAD_RESPONSE", "The response breaks the rules of HTTP/2"),
    pycurl.E_BAD_CONTENT_ENCODING: Failure("BAD_RESPONSE", "The response's body cannot be unpacked"),
    pycurl.E_WRITE_ERROR: Failure(
        "RESPONSE_TOO_LARGE", f"The response is larger than {MOST_BODY_BYTES // _MEGABYTE} MB"
    ),
    pycurl.E_URL_MALFORMAT: _NO_URL,
    pycurl.E_UNSUPPORTED_PROTOCOL: Failure(
        "URL_INVALID", "Only http and https can be requested", blame=Blame.CHECK
    ),
}
_OTHER = Failure("REQUEST_FAILED", "The request failed")


def explain(hop: Hop, *, is_redirected: bool, timeout_s: float) -> Failure:
    """The failure of a hop that has an ``error``. A redirect's URL is the target's choice."""
    assert hop.error is not None  # noqa: S101 - the caller has looked
    number, detail = hop.error
    if hop.refused:
        sentence = f"This runner's network policy refuses {hop.refused}"
        return Failure("DESTINATION_REFUSED", sentence, Blame.TARGET if is_redirected else Blame.CHECK)
    if number == pycurl.E_OPERATION_TIMEDOUT:
        sentence = f"No complete response within {timeout_s:.3g} s: {_waited_for(hop)}"
        return Failure("REQUEST_TIMED_OUT", sentence)
    failure = _KNOWN.get(number, _OTHER)
    if number == pycurl.E_COULDNT_CONNECT and hop.errno == errno.ECONNRESET:
        failure = _RESET  # it was there, and was reset before libcurl had looked
    elif number == pycurl.E_UNSUPPORTED_PROTOCOL and hop.moments.connected:
        failure = _NO_HTTP  # libcurl's number for HTTP/0.9 too
    elif number == pycurl.E_BAD_FUNCTION_ARGUMENT and "private key" in detail:
        failure = _KNOWN[pycurl.E_SSL_CERTPROBLEM]
    elif number == pycurl.E_SSL_CACERT_BADFILE and "blob" in detail:
        failure = _BAD_AUTHORITY
    elif number == pycurl.E_RECV_ERROR and not any(word in detail for word in _OF_CONNECTIONS):
        failure = _BROKEN
    elif number == pycurl.E_WRITE_ERROR and hop.body_bytes <= MOST_BODY_BYTES:
        failure = _KNOWN[pycurl.E_BAD_CONTENT_ENCODING]
    elif is_redirected and failure.code == "URL_INVALID":
        failure = Failure("BAD_REDIRECT", f"The redirect cannot be followed: {failure.sentence}")
    sentence = f"{failure.sentence} ({detail})" if detail else failure.sentence
    return Failure(failure.code, sentence, failure.blame)


def _waited_for(hop: Hop) -> str:
    moments = hop.moments
    if not moments.looked_up:
        return "the name was still being looked up"
    if not moments.connected:
        return "the connection was still being made"
    if hop.is_secure and not moments.secured:
        return "the TLS handshake was still going on"
    if not hop.lines:
        return "nothing of the response had come"
    return f"the response was still coming, {hop.body_bytes} bytes of its body were there"
