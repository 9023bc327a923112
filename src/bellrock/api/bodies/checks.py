"""Checks as they are said in versions 1, 2 and 3: what can be written, and what only we know."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from bellrock.api.bodies.base import Answer, Instant, is_none
from bellrock.api.links import Links
from bellrock.domain.checks import Check
from bellrock.domain.specs import CheckType, Heartbeat
from bellrock.services.check_payload.common import Payload
from bellrock.services.check_payload.kept import AgenticPayload, GrpcPayload, TraceroutePayload
from bellrock.services.check_payload.monitors import (
    ApiPayload,
    DnsPayload,
    IcmpPayload,
    TcpPayload,
    UrlPayload,
)
from bellrock.services.check_payload.said import payload_of
from bellrock.services.check_payload.scripts import (
    BrowserPayload,
    HeartbeatPart,
    HeartbeatPayload,
    MultistepPayload,
    SuitePayload,
)
from bellrock.services.check_payload.ssl import SslPayload


class ProjectBody(Answer):
    """The project a check is deployed from."""

    id: str


class Known(Payload):
    """What only we know of a check. The contract's ``frequencyOffset`` is a number or absent."""

    id: UUID
    created_at: Annotated[Instant, Field(alias="created_at")]
    updated_at: Annotated[Instant | None, Field(alias="updated_at")] = None
    frequency_offset: Annotated[int | None, Field(exclude_if=is_none)] = None


class Flat(Payload):
    """What only version 1 says: the project, flat. Absent for a check that no project deployed."""

    project: ProjectBody | None = None
    logical_id: str | None = None


class ConstraintBody(Answer):
    """What must stay, or come about."""

    type: Literal["MUST_PRESERVE", "REQUIRED_OUTCOME"]
    statement: str


class ConstrainedIntent(Answer):
    """What a check is for, as version 3 says it."""

    goal: str
    constraints: tuple[ConstraintBody, ...]


class Constrained(Payload):
    """What only version 3 says otherwise."""

    intent: ConstrainedIntent | None = None


class PlaywrightCheck(Known, SuitePayload):
    """A Playwright Check Suite. ``pwProjects`` and ``pwTags`` are our addition."""

    check_type: Literal[CheckType.PLAYWRIGHT]


class UrlCheck(Known, UrlPayload):
    """A URL monitor."""

    check_type: Literal[CheckType.URL]


class ApiCheckBody(Known, ApiPayload):
    """An API check."""

    check_type: Literal[CheckType.API]


class TcpCheck(Known, TcpPayload):
    """A TCP monitor."""

    check_type: Literal[CheckType.TCP]


class DnsCheck(Known, DnsPayload):
    """A DNS monitor."""

    check_type: Literal[CheckType.DNS]


class IcmpCheck(Known, IcmpPayload):
    """An ICMP monitor."""

    check_type: Literal[CheckType.ICMP]


class SslCheck(Known, SslPayload):
    """An SSL monitor."""

    check_type: Literal[CheckType.SSL]


class HeartbeatBody(HeartbeatPart):
    """What a heartbeat waits for, and where to ping."""

    ping_url: str


class HeartbeatCheck(Known, HeartbeatPayload):
    """A heartbeat."""

    check_type: Literal[CheckType.HEARTBEAT]
    heartbeat: HeartbeatBody


class BrowserCheckBody(Known, BrowserPayload):
    """A browser check."""

    check_type: Literal[CheckType.BROWSER]


class MultistepCheckBody(Known, MultistepPayload):
    """A multistep check."""

    check_type: Literal[CheckType.MULTI_STEP]


class GrpcCheck(Known, GrpcPayload):
    """A gRPC monitor, which this version cannot run."""

    check_type: Literal[CheckType.GRPC]


class TracerouteCheck(Known, TraceroutePayload):
    """A traceroute monitor, which this version cannot run."""

    check_type: Literal[CheckType.TRACEROUTE]


class AgenticCheck(Known, AgenticPayload):
    """An agentic check, which this version cannot run."""

    check_type: Literal[CheckType.AGENTIC]


class PlaywrightCheckV1(PlaywrightCheck, Flat):
    """A Playwright Check Suite in version 1."""


class UrlCheckV1(UrlCheck, Flat):
    """A URL monitor in version 1."""


class ApiCheckV1(ApiCheckBody, Flat):
    """An API check in version 1."""


class TcpCheckV1(TcpCheck, Flat):
    """A TCP monitor in version 1."""


class DnsCheckV1(DnsCheck, Flat):
    """A DNS monitor in version 1."""


class IcmpCheckV1(IcmpCheck, Flat):
    """An ICMP monitor in version 1."""


class SslCheckV1(SslCheck, Flat):
    """An SSL monitor in version 1."""


class HeartbeatCheckV1(HeartbeatCheck, Flat):
    """A heartbeat in version 1."""


class BrowserCheckV1(BrowserCheckBody, Flat):
    """A browser check in version 1."""


class MultistepCheckV1(MultistepCheckBody, Flat):
    """A multistep check in version 1."""


class GrpcCheckV1(GrpcCheck, Flat):
    """A gRPC monitor in version 1."""


class TracerouteCheckV1(TracerouteCheck, Flat):
    """A traceroute monitor in version 1."""


class AgenticCheckV1(AgenticCheck, Flat):
    """An agentic check in version 1."""


class PlaywrightCheckV3(Constrained, PlaywrightCheck):
    """A Playwright Check Suite in version 3."""


class UrlCheckV3(Constrained, UrlCheck):
    """A URL monitor in version 3."""


class ApiCheckV3(Constrained, ApiCheckBody):
    """An API check in version 3."""


class TcpCheckV3(Constrained, TcpCheck):
    """A TCP monitor in version 3."""


class DnsCheckV3(Constrained, DnsCheck):
    """A DNS monitor in version 3."""


class IcmpCheckV3(Constrained, IcmpCheck):
    """An ICMP monitor in version 3."""


class SslCheckV3(Constrained, SslCheck):
    """An SSL monitor in version 3."""


class HeartbeatCheckV3(Constrained, HeartbeatCheck):
    """A heartbeat in version 3."""


class BrowserCheckV3(Constrained, BrowserCheckBody):
    """A browser check in version 3."""


class MultistepCheckV3(Constrained, MultistepCheckBody):
    """A multistep check in version 3."""


class GrpcCheckV3(Constrained, GrpcCheck):
    """A gRPC monitor in version 3."""


class TracerouteCheckV3(Constrained, TracerouteCheck):
    """A traceroute monitor in version 3."""


class AgenticCheckV3(Constrained, AgenticCheck):
    """An agentic check in version 3."""


AnyCheck = Annotated[
    PlaywrightCheck
    | UrlCheck
    | ApiCheckBody
    | TcpCheck
    | DnsCheck
    | IcmpCheck
    | SslCheck
    | HeartbeatCheck
    | BrowserCheckBody
    | MultistepCheckBody
    | GrpcCheck
    | TracerouteCheck
    | AgenticCheck,
    Field(discriminator="check_type"),
]
AnyCheckV1 = Annotated[
    PlaywrightCheckV1
    | UrlCheckV1
    | ApiCheckV1
    | TcpCheckV1
    | DnsCheckV1
    | IcmpCheckV1
    | SslCheckV1
    | HeartbeatCheckV1
    | BrowserCheckV1
    | MultistepCheckV1
    | GrpcCheckV1
    | TracerouteCheckV1
    | AgenticCheckV1,
    Field(discriminator="check_type"),
]
AnyCheckV3 = Annotated[
    PlaywrightCheckV3
    | UrlCheckV3
    | ApiCheckV3
    | TcpCheckV3
    | DnsCheckV3
    | IcmpCheckV3
    | SslCheckV3
    | HeartbeatCheckV3
    | BrowserCheckV3
    | MultistepCheckV3
    | GrpcCheckV3
    | TracerouteCheckV3
    | AgenticCheckV3,
    Field(discriminator="check_type"),
]

_V1: TypeAdapter[AnyCheckV1] = TypeAdapter(AnyCheckV1)
_V2: TypeAdapter[AnyCheck] = TypeAdapter(AnyCheck)
_V3: TypeAdapter[AnyCheckV3] = TypeAdapter(AnyCheckV3)


def check_body(check: Check, links: Links) -> AnyCheck:
    """A check in version 2."""
    return _V2.validate_python(_said(check, links))


def check_body_v1(check: Check, links: Links) -> AnyCheckV1:
    """A check in version 1."""
    project = {"id": check.project_id} if check.project_id else None
    return _V1.validate_python({**_said(check, links), "project": project, "logicalId": check.logical_id})


def check_body_v3(check: Check, links: Links) -> AnyCheckV3:
    """A check in version 3."""
    said = _said(check, links)
    intent = said["intent"]
    if intent is not None:
        kinds = (("MUST_PRESERVE", "mustPreserve"), ("REQUIRED_OUTCOME", "requiredOutcomes"))
        constraints = [
            {"type": kind, "statement": each} for kind, name in kinds for each in intent.get(name, ())
        ]
        said["intent"] = {"goal": intent["goal"], "constraints": constraints}
    return _V3.validate_python(said)


def _said(check: Check, links: Links) -> dict[str, Any]:
    payload = payload_of(check)
    if isinstance(check.spec, Heartbeat):
        payload["heartbeat"]["pingUrl"] = links.ping(check.spec.ping_token)
    return {
        **payload,
        "id": check.id,
        "created_at": check.created_at,
        "updated_at": check.updated_at,
    }
