"""The client certificate of a request, as libcurl wants it."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from bellrock.domain.specs import HostCertificate
from bellrock.runner.client_certificates import certificate_for_host
from bellrock.runner.executors.http.request import Certificate


def certificate_for(url: str, certificates: Sequence[HostCertificate]) -> Certificate | None:
    """The one that the URL's host gets to see."""
    host = _host(url)
    chosen = certificate_for_host(host, certificates) if host else None
    if chosen is None:
        return None
    return Certificate(
        cert=chosen.cert.encode(),
        key=chosen.key.encode(),
        ca=chosen.ca.encode(),
        passphrase=chosen.passphrase,
    )


def _host(url: str) -> str:
    try:
        return (urlsplit(url if "://" in url else f"//{url}").hostname or "").lower()
    except ValueError:  # libcurl will say that this is no URL
        return ""
