"""Payloads of the types that this version keeps and cannot run: gRPC, traceroute, agentic."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from bellrock.domain.specs import CheckType, KeptCheck
from bellrock.services.check_payload.common import AssertionPayload, CheckPayload, Family, Payload
from bellrock.services.check_payload.monitors import AnyComparison
from bellrock.services.storable import refuse_unstorable

_Url = Annotated[str, Field(min_length=1, max_length=2_048)]
_Port = Annotated[int, Field(ge=1, le=65_535)]
_Text = Annotated[str, Field(max_length=1_000_000)]
_OF_OTHERS = frozenset(
    {"checkType", "id", "created_at", "updated_at", "project", "projectBindings", "member", "pending"}
    | {"logicalId", "sourceFile", "sourceInfo", "filePath", "testRetryStrategy", "group"}
)


class KeptCheckPayload(CheckPayload):
    """What the three have in common."""

    kept_type: ClassVar[Literal[CheckType.AGENTIC, CheckType.GRPC, CheckType.TRACEROUTE]]

    def spec(self) -> KeptCheck:
        """What it would do, in its own words."""
        names = set(type(self).model_fields) - set(CheckPayload.model_fields)
        names |= set(self.model_extra or {}) - _OF_OTHERS
        said = self.model_dump(mode="json", by_alias=True, include=names)
        return KeptCheck(self.kept_type, said)


class MetadataPayload(Payload):
    """One entry of a call's metadata."""

    key: Annotated[str, Field(min_length=1, max_length=256)]
    value: Annotated[str, Field(max_length=8_192)]


class GrpcConfigPayload(Payload):
    """What is called, and how it is described."""

    mode: Literal["BEHAVIOR", "HEALTH"] = "BEHAVIOR"
    tls: bool = True
    metadata: Annotated[tuple[MetadataPayload, ...], Field(max_length=50)] = ()
    service: str | None = None
    encoding: Literal["PROTOBUF", "FLATBUFFERS", ""] | None = None
    bfbs_content: _Text | None = None
    service_definition: Literal["REFLECTION", "PROTO_FILE", ""] | None = None
    method: str | None = None
    proto_content: _Text | None = None
    message: _Text | None = None


class GrpcAssertionPayload(AssertionPayload):
    """An assertion on a gRPC answer."""

    source: Literal[
        "RESPONSE_TIME",
        "GRPC_RESPONSE",
        "TEXT_BODY",
        "GRPC_METADATA",
        "GRPC_HEALTHCHECK_STATUS",
        "GRPC_STATUS_CODE",
    ]
    comparison: AnyComparison


class GrpcRequestPayload(Payload):
    """A gRPC call."""

    url: _Url
    port: _Port | Annotated[str, Field(min_length=1, max_length=255)]
    ip_family: Family = "IPv4"
    skip_ssl: Annotated[bool, Field(alias="skipSSL")] = False
    timeout: Annotated[int, Field(ge=1, le=180)] = 60
    grpc_config: GrpcConfigPayload = GrpcConfigPayload()
    assertions: tuple[GrpcAssertionPayload, ...] = ()


class GrpcPayload(KeptCheckPayload):
    """A gRPC monitor."""

    kept_type = CheckType.GRPC

    request: GrpcRequestPayload
    degraded_response_time: Annotated[int, Field(ge=0, le=180_000)] = 10_000
    max_response_time: Annotated[int, Field(ge=0, le=180_000)] = 20_000
    should_fail: bool = False


class TracerouteAssertionPayload(AssertionPayload):
    """An assertion on a way through the network."""

    source: Literal["RESPONSE_TIME", "HOP_COUNT", "PACKET_LOSS"]
    comparison: AnyComparison


_USUAL_PORTS = {"TCP": 443, "UDP": 33_434, "SCTP": 33_434}


class TracerouteRequestPayload(Payload):
    """A way through the network to be found. Without a port it is the protocol's usual one."""

    url: _Url
    protocol: Literal["TCP", "ICMP", "UDP", "SCTP"] = "TCP"
    port: _Port | None = None
    ip_family: Family = "IPv4"
    max_hops: Annotated[int, Field(ge=1, le=64)] = 30
    max_unknown_hops: Annotated[int, Field(ge=1, le=30)] = 15
    ptr_lookup: bool = True
    timeout: Annotated[int, Field(ge=1, le=30)] = 10
    assertions: tuple[TracerouteAssertionPayload, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("port") is None:
            port = _USUAL_PORTS.get(str(data.get("protocol") or "TCP"))
            return {**data, "port": port}
        return data


class TraceroutePayload(KeptCheckPayload):
    """A traceroute monitor."""

    kept_type = CheckType.TRACEROUTE

    request: TracerouteRequestPayload
    degraded_response_time: Annotated[int, Field(ge=0, le=30_000)] = 10_000
    max_response_time: Annotated[int, Field(ge=0, le=30_000)] = 20_000
    should_fail: bool = False


class AgenticPayload(KeptCheckPayload):
    """An agentic check. The contract tells little of it: whatever else it says is kept as well."""

    model_config = ConfigDict(extra="allow")
    kept_type = CheckType.AGENTIC

    prompt: Annotated[str, Field(min_length=1, max_length=100_000)]
    agent_runtime: Mapping[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, data: object) -> object:
        refuse_unstorable(data)
        return data
