"""The parts of HTTP checks that need no connection."""

import pytest

from bellrock.domain.specs import HostCertificate, HttpRequest
from bellrock.runner.executors.http.client_certificates import certificate_for
from bellrock.runner.executors.http.exchange import redirected
from bellrock.runner.executors.http.rendering import fill_in, usable_url, with_query
from bellrock.runner.executors.http.request import Moments, Request, Times


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("http://a/", (), "http://a/"),
        ("http://a/", (("q", "1"),), "http://a/?q=1"),
        ("http://a/?", (("q", "1"),), "http://a/?q=1"),
        ("http://a/?x=1&", (("q", "1"),), "http://a/?x=1&q=1"),
        ("http://a/?x=1#top?", (("q", "1"), ("q", "2")), "http://a/?x=1&q=1&q=2#top?"),
        ("http://a/", (("q", "a%20b % c"),), "http://a/?q=a%20b%20%25%20c"),
        ("http://a/", (("a&b", "=#+?/"),), "http://a/?a%26b=%3D%23%2B%3F%2F"),
    ],
)
def test_query_parameters_are_encoded_once(
    url: str, query: tuple[tuple[str, str], ...], expected: str
) -> None:
    assert with_query(url, query) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a/b?c=[1]#d", "http://a/b?c=[1]#d"),
        (" http://a/b c ", "http://a/b%20c"),
        ("http://a/100%25/ü", "http://a/100%25/%C3%BC"),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"),
        ("http://Bücher.example:8080/", "http://xn--bcher-kva.example:8080/"),
    ],
)
def test_a_url_is_made_ascii(url: str, expected: str) -> None:
    assert usable_url(url) == expected


HOSTS = ["*", "*.example.org", "api.example.org", "API.example.org", "api.*"]
CERTIFICATES = [HostCertificate(host, f"cert {number}", "key") for number, host in enumerate(HOSTS)]


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://api.example.org/", 3),  # full hosts first, the newest of them
        ("https://API.EXAMPLE.ORG:8443/x", 3),
        ("https://www.example.org/", 1),
        ("https://example.org/", 0),  # a glob with a dot needs the dot
        ("https://api.other.net/", 4),
        ("https://user:pw@api.example.org/", 3),
        ("api.example.org/x", 3),
        ("https://apixexample.org/", 0),  # a dot is a dot
    ],
)
def test_the_newest_match_wins_and_a_full_host_beats_a_wildcard(url: str, number: int) -> None:
    found = certificate_for(url, CERTIFICATES)
    assert found is not None
    assert found.cert == f"cert {number}".encode()


@pytest.mark.parametrize("url", ["https://other.net/", "https://[::1/", ""])
def test_a_host_without_a_match_sees_no_certificate(url: str) -> None:
    assert certificate_for(url, CERTIFICATES[2:4]) is None


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("https://a.example/x", True),
        ("https://a.example:443/x", True),
        ("https://a.example:8443/x", False),
        ("http://a.example/x", False),
        ("https://b.a.example/x", False),
    ],
)
def test_credentials_stay_with_scheme_host_and_port(location: str, kept: bool) -> None:
    headers = (("Authorization", "a"), ("Cookie", "b"), ("Host", "c"), ("X-D", "d"))
    request = Request("https://a.example/", headers=headers, login=("ada", "pw"))
    then = redirected(request, 302, location)
    assert (then.login is not None, then.headers == headers) == (kept, kept)
    assert ("X-D", "d") in then.headers


def test_times_of_redirects_add_up() -> None:
    first = Moments(looked_up=1, connected=2, secured=0, first_byte=5, end=6)
    second = Moments(looked_up=1, connected=3, secured=7, first_byte=10, end=14, is_secure=True)
    times = Times((first, second))
    phases = {"wait": 0, "dns": 2, "tcp": 7, "firstByte": 6, "download": 5, "total": 20}
    assert times.phases() == phases
    assert times.timings() == {"socket": 6, "lookup": 7, "connect": 13, "response": 16, "end": 20}


def test_a_groups_url_may_hold_variables_itself() -> None:
    variables = {"GROUP_BASE_URL": "https://{{HOST}}/v1", "HOST": "a.example"}
    assert fill_in(HttpRequest("{{GROUP_BASE_URL}}/x"), variables).url == "https://a.example/v1/x"
