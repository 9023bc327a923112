"""Payloads of the types that ask a target something: URL, API, TCP, DNS, ICMP."""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from bellrock.domain.specs import (
    ApiCheck,
    BasicAuth,
    BodyType,
    DnsMonitor,
    HttpRequest,
    IcmpMonitor,
    KeyValue,
    TcpMonitor,
    UrlMonitor,
)
from bellrock.services.check_payload.common import (
    AssertionPayload,
    CheckPayload,
    Family,
    Milliseconds,
    Payload,
    family,
    is_empty,
)
from bellrock.services.check_payload.dependencies import DependencyPayload, files_of

_Url = Annotated[str, Field(min_length=1, max_length=2_048)]
_Host = Annotated[str, Field(min_length=1, max_length=2_048)]
_Port = Annotated[int, Field(ge=1, le=65_535)]
_DnsMilliseconds = Annotated[int, Field(ge=0, le=5_000)]
_ScriptPath = Annotated[str | None, Field(min_length=1, max_length=1_000, exclude_if=is_empty)]
_Dependencies = Annotated[tuple[DependencyPayload, ...], Field(exclude_if=is_empty)]
_Percent = Annotated[float, Field(ge=0, le=100)]

_ORDER = Literal["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN"]
AnyComparison = Literal[
    "EQUALS",
    "NOT_EQUALS",
    "HAS_KEY",
    "NOT_HAS_KEY",
    "HAS_VALUE",
    "NOT_HAS_VALUE",
    "IS_EMPTY",
    "NOT_EMPTY",
    "GREATER_THAN",
    "LESS_THAN",
    "CONTAINS",
    "NOT_CONTAINS",
    "IS_NULL",
    "NOT_NULL",
]


class _UrlAssertion(AssertionPayload):
    source: Literal["STATUS_CODE"]
    comparison: _ORDER
    target: str


class _ApiAssertion(AssertionPayload):
    source: Literal["STATUS_CODE", "JSON_BODY", "HEADERS", "TEXT_BODY", "RESPONSE_TIME"]
    comparison: AnyComparison


class _TcpAssertion(AssertionPayload):
    source: Literal["RESPONSE_DATA", "RESPONSE_TIME"]
    comparison: Literal[
        "EQUALS",
        "NOT_EQUALS",
        "IS_EMPTY",
        "NOT_EMPTY",
        "LESS_THAN",
        "GREATER_THAN",
        "CONTAINS",
        "NOT_CONTAINS",
    ]


class _DnsAssertion(AssertionPayload):
    source: Literal["RESPONSE_TIME", "RESPONSE_CODE", "TEXT_ANSWER", "JSON_ANSWER"]
    comparison: AnyComparison


class _IcmpAssertion(AssertionPayload):
    source: Literal["LATENCY", "JSON_RESPONSE"]
    comparison: Literal[
        "EQUALS",
        "NOT_EQUALS",
        "IS_EMPTY",
        "NOT_EMPTY",
        "GREATER_THAN",
        "LESS_THAN",
        "CONTAINS",
        "NOT_CONTAINS",
        "IS_NULL",
        "NOT_NULL",
    ]


class _KeyValue(Payload):
    key: Annotated[str, Field(min_length=1)]
    value: str
    locked: bool = False

    def pair(self) -> KeyValue:
        return KeyValue(self.key, self.value, locked=self.locked)


class _BasicAuth(Payload):
    username: str = ""
    password: str = ""


class _HttpRequest(Payload):
    url: _Url
    follow_redirects: bool = True
    skip_ssl: Annotated[bool, Field(alias="skipSSL")] = False
    ip_family: Family = "IPv4"


class UrlRequest(_HttpRequest):
    url: Annotated[str, Field(pattern=r"^https?://", max_length=2_048)]
    method: Literal["GET"] = "GET"
    assertions: tuple[_UrlAssertion, ...] = ()

    def request(self) -> HttpRequest:
        return HttpRequest(
            url=self.url,
            follow_redirects=self.follow_redirects,
            skip_ssl=self.skip_ssl,
            ip_family=family(self.ip_family),
            assertions=tuple(each.assertion() for each in self.assertions),
        )


class ApiRequest(_HttpRequest):
    method: Literal["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"] = "GET"
    headers: tuple[_KeyValue, ...] = ()
    query_parameters: tuple[_KeyValue, ...] = ()
    body: str = ""
    body_type: BodyType = BodyType.NONE
    basic_auth: _BasicAuth | None = None
    assertions: tuple[_ApiAssertion, ...] = ()

    def request(self) -> HttpRequest:
        auth = self.basic_auth
        return HttpRequest(
            url=self.url,
            method=self.method,
            headers=tuple(each.pair() for each in self.headers),
            query=tuple(each.pair() for each in self.query_parameters),
            body=self.body,
            body_type=self.body_type,
            basic_auth=BasicAuth(auth.username, auth.password) if auth else None,
            follow_redirects=self.follow_redirects,
            skip_ssl=self.skip_ssl,
            ip_family=family(self.ip_family),
            assertions=tuple(each.assertion() for each in self.assertions),
        )


class UrlPayload(CheckPayload):
    """A URL monitor."""

    request: UrlRequest
    degraded_response_time: Milliseconds = 3_000
    max_response_time: Milliseconds = 5_000
    should_fail: bool = False

    def spec(self) -> UrlMonitor:
        """What it does."""
        return UrlMonitor(
            self.request.request(),
            degraded_response_time_ms=self.degraded_response_time,
            max_response_time_ms=self.max_response_time,
            should_fail=self.should_fail,
        )


class ApiPayload(CheckPayload):
    """An API check."""

    request: ApiRequest
    local_setup_script: str | None = None
    local_tear_down_script: str | None = None
    setup_script_path: _ScriptPath = None
    setup_script_dependencies: _Dependencies = ()
    tear_down_script_path: _ScriptPath = None
    tear_down_script_dependencies: _Dependencies = ()
    setup_snippet_id: int | None = None
    tear_down_snippet_id: int | None = None
    degraded_response_time: Milliseconds = 5_000
    max_response_time: Milliseconds = 20_000
    should_fail: bool = False

    def spec(self) -> ApiCheck:
        """What it does."""
        return ApiCheck(
            self.request.request(),
            setup_script=self.local_setup_script or "",
            teardown_script=self.local_tear_down_script or "",
            setup_script_path=self.setup_script_path,
            teardown_script_path=self.tear_down_script_path,
            setup_dependencies=files_of(self.setup_script_dependencies),
            teardown_dependencies=files_of(self.tear_down_script_dependencies),
            setup_snippet_id=self.setup_snippet_id,
            teardown_snippet_id=self.tear_down_snippet_id,
            degraded_response_time_ms=self.degraded_response_time,
            max_response_time_ms=self.max_response_time,
            should_fail=self.should_fail,
        )


class TcpRequest(Payload):
    hostname: Annotated[_Host, Field(validation_alias=AliasChoices("hostname", "url"))]
    port: _Port
    data: Annotated[str | None, Field(validation_alias=AliasChoices("data", "body"))] = None
    ip_family: Family = "IPv4"
    assertions: tuple[_TcpAssertion, ...] = ()


class TcpPayload(CheckPayload):
    """A TCP monitor."""

    request: TcpRequest
    degraded_response_time: Milliseconds = 3_000
    max_response_time: Milliseconds = 5_000
    should_fail: bool = False

    def spec(self) -> TcpMonitor:
        """What it does."""
        request = self.request
        return TcpMonitor(
            request.hostname,
            request.port,
            data=request.data or "",
            ip_family=family(request.ip_family),
            assertions=tuple(each.assertion() for each in request.assertions),
            degraded_response_time_ms=self.degraded_response_time,
            max_response_time_ms=self.max_response_time,
            should_fail=self.should_fail,
        )


class DnsRequest(Payload):
    query: Annotated[str, Field(min_length=1, max_length=100)]
    record_type: Literal["A", "AAAA", "CNAME", "MX", "TXT", "SOA", "NS", "HTTPS"]
    name_server: Annotated[str | None, Field(max_length=100, exclude_if=is_empty)] = None
    port: _Port = 53
    protocol: Literal["UDP", "TCP"] = "UDP"
    assertions: tuple[_DnsAssertion, ...] = ()


class DnsPayload(CheckPayload):
    """A DNS monitor."""

    request: DnsRequest
    degraded_response_time: _DnsMilliseconds = 500
    max_response_time: _DnsMilliseconds = 1_000
    should_fail: bool = False

    def spec(self) -> DnsMonitor:
        """What it does."""
        request = self.request
        return DnsMonitor(
            request.query,
            record_type=request.record_type,
            name_server=request.name_server or None,
            port=request.port,
            protocol=request.protocol,
            assertions=tuple(each.assertion() for each in request.assertions),
            degraded_response_time_ms=self.degraded_response_time,
            max_response_time_ms=self.max_response_time,
            should_fail=self.should_fail,
        )


class IcmpRequest(Payload):
    hostname: _Host
    ip_family: Family = "IPv4"
    ping_count: Annotated[int, Field(ge=1, le=50)] = 10
    assertions: tuple[_IcmpAssertion, ...] = ()


class IcmpPayload(CheckPayload):
    """An ICMP monitor."""

    request: IcmpRequest
    degraded_packet_loss_threshold: _Percent = 10
    max_packet_loss_threshold: _Percent = 20
    should_fail: bool = False

    @model_validator(mode="after")
    def _degraded_comes_first(self) -> "IcmpPayload":
        if self.degraded_packet_loss_threshold > self.max_packet_loss_threshold:
            raise ValueError("degradedPacketLossThreshold must not be above maxPacketLossThreshold")
        return self

    def spec(self) -> IcmpMonitor:
        """What it does."""
        request = self.request
        return IcmpMonitor(
            request.hostname,
            ip_family=family(request.ip_family),
            ping_count=request.ping_count,
            degraded_packet_loss_percent=self.degraded_packet_loss_threshold,
            max_packet_loss_percent=self.max_packet_loss_threshold,
            assertions=tuple(each.assertion() for each in request.assertions),
            should_fail=self.should_fail,
        )
