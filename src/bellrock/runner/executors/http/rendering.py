"""From what a check says to the request that goes out: templates, query, body, headers."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from bellrock.domain.specs import BasicAuth, BodyType, HttpRequest, KeyValue
from bellrock.expressions.handlebars import TemplateError, render
from bellrock.runner.executors.http.request import Request

METHODS: Final = ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")
_CONTENT_TYPES = {
    BodyType.JSON: "application/json",
    BodyType.GRAPHQL: "application/json",
    BodyType.FORM: "application/x-www-form-urlencoded",
    BodyType.RAW: "text/plain",
}
_PLAIN_URL = re.compile(r"[!#-;=?-\[\]_a-z~]*")
_NOT_IN_URLS = re.compile(rb"[^!#-;=?-\[\]_a-z~]")
# What is encoded already stays: `{{VALUE}}` is, and a literal value may be.
_NOT_IN_VALUES = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^%A-Za-z0-9\-_.!~*'()]")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_BREAKS = re.compile(r"[\r\n\0]")


class RequestUnusable(Exception):
    """The check asks for what cannot be sent. ``code`` is a stable word, the message a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request as the check says it, without templates. ``url`` has no query but its own."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    body: str
    body_type: BodyType
    basic_auth: BasicAuth | None


def fill_in(wanted: HttpRequest, variables: Mapping[str, str]) -> Rendered:
    """Put variables into the texts. REQUEST_URL is the URL that comes of it.

    :raises RequestUnusable: BAD_TEMPLATE, with the field's name.
    """
    at = datetime.now(UTC)
    values: dict[str, object] = dict(variables)

    def fill(template: str, field: str) -> str:
        try:
            return render(template, values, at=at, chance=secrets.randbelow)
        except TemplateError as error:
            raise RequestUnusable("BAD_TEMPLATE", f"The template in {field} is wrong: {error}") from error

    def pairs(given: tuple[KeyValue, ...], field: str) -> tuple[tuple[str, str], ...]:
        return tuple((one.key, fill(one.value, f"{field} {one.key}")) for one in given)

    # A group's URL may hold variables of its own.
    values["GROUP_BASE_URL"] = fill(variables.get("GROUP_BASE_URL", ""), "the group's URL")
    values["REQUEST_URL"] = url = fill(wanted.url, "the URL")
    login = wanted.basic_auth
    if login:
        login = BasicAuth(
            fill(login.username, "the basic authentication's name"),
            fill(login.password, "the basic authentication's password"),
        )
    return Rendered(
        url=url,
        method=wanted.method,
        headers=pairs(wanted.headers, "the header"),
        query=pairs(wanted.query, "the query parameter"),
        body=fill(wanted.body, "the body"),
        body_type=wanted.body_type,
        basic_auth=login,
    )


def has_templates(wanted: HttpRequest) -> bool:
    """Whether there is anything to fill in."""
    login = wanted.basic_auth or BasicAuth()
    pairs = (one.value for one in (*wanted.headers, *wanted.query))
    return any("{{" in text for text in (wanted.url, wanted.body, login.username, login.password, *pairs))


def make_request(wanted: HttpRequest, rendered: Rendered) -> Request:
    """The request that goes out.

    :raises RequestUnusable: BAD_METHOD or BAD_HEADER.
    """
    if rendered.method not in METHODS:
        allowed = ", ".join(METHODS)
        raise RequestUnusable("BAD_METHOD", f"The method {rendered.method!r} is none of {allowed}.")
    for name, value in rendered.headers:
        if not _HEADER_NAME.fullmatch(name):
            raise RequestUnusable("BAD_HEADER", f"{name!r} is no name of a header.")
        if _HEADER_BREAKS.search(value):
            raise RequestUnusable("BAD_HEADER", f"The value of the header {name} has more than one line.")
    login = rendered.basic_auth
    if login and "\0" in f"{login.username}{login.password}":
        raise RequestUnusable(
            "BAD_LOGIN", "The basic authentication's name or password holds a NUL character."
        )
    body = _body(rendered)
    headers = rendered.headers
    if body is not None and all(name.lower() != "content-type" for name, _ in headers):
        headers = (*headers, ("Content-Type", _CONTENT_TYPES[rendered.body_type]))
    return Request(
        url=usable_url(with_query(rendered.url, rendered.query)),
        method=rendered.method,
        headers=headers,
        body=body,
        login=(login.username, login.password) if login and (login.username or login.password) else None,
        follow_redirects=wanted.follow_redirects,
        skip_ssl=wanted.skip_ssl,
        ip_family=wanted.ip_family,
    )


def with_query(url: str, query: tuple[tuple[str, str], ...]) -> str:
    """The URL with parameters after its own."""
    if not query:
        return url
    rest, hash_, fragment = url.partition("#")
    added = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in query)
    link = "?" if "?" not in rest else "" if rest.endswith(("?", "&")) else "&"
    return f"{rest}{link}{added}{hash_}{fragment}"


def usable_url(url: str) -> str:
    """The URL in ASCII: other letters, and blanks, percent-encoded; names of hosts as IDNA has them."""
    url = url.strip()
    if _PLAIN_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        if parts.hostname and not parts.hostname.isascii():
            host = parts.hostname.encode("idna").decode()
            url = urlunsplit(parts._replace(netloc=parts.netloc.lower().replace(parts.hostname, host)))
    except (ValueError, UnicodeError):
        pass  # libcurl will say that this is no URL
    return _NOT_IN_URLS.sub(_percent, url.encode()).decode()


def with_body(wanted: HttpRequest, body: str) -> HttpRequest:
    """The request with a body: one that had none sends it as it is."""
    raw = wanted.body_type is BodyType.NONE and bool(body)
    return replace(wanted, body=body, body_type=BodyType.RAW if raw else wanted.body_type)


def _body(rendered: Rendered) -> bytes | None:
    if rendered.body_type is BodyType.NONE or not rendered.body:
        return None
    if rendered.body_type is BodyType.GRAPHQL and not _is_graphql_message(rendered.body):
        return json.dumps({"query": rendered.body}).encode()
    return rendered.body.encode()


def _is_graphql_message(body: str) -> bool:
    """Whether a body is the JSON around a query, and not the query alone."""
    if not body.lstrip().startswith("{"):
        return False
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and "query" in message


def _encoded(text: str) -> str:
    return _NOT_IN_VALUES.sub(_percent, text.encode(errors="replace")).decode()


def _percent(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
