"""The contract's check payloads (camelCase JSON) as drafts: for saved checks, deploys and inline jobs."""

from collections.abc import Mapping

from pydantic import ValidationError

from bellrock.domain.checks import Check
from bellrock.domain.errors import Invalid, NotBuilt
from bellrock.domain.specs import CheckType
from bellrock.services.bad_input import first_problem
from bellrock.services.check_payload.common import CheckPayload
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
    HeartbeatPayload,
    MultistepPayload,
    SuitePayload,
)
from bellrock.services.check_payload.ssl import SslPayload
from bellrock.services.checks import CheckDraft

SHAPES: dict[CheckType, type[CheckPayload]] = {
    CheckType.PLAYWRIGHT: SuitePayload,
    CheckType.URL: UrlPayload,
    CheckType.API: ApiPayload,
    CheckType.TCP: TcpPayload,
    CheckType.DNS: DnsPayload,
    CheckType.ICMP: IcmpPayload,
    CheckType.SSL: SslPayload,
    CheckType.HEARTBEAT: HeartbeatPayload,
    CheckType.BROWSER: BrowserPayload,
    CheckType.MULTI_STEP: MultistepPayload,
    CheckType.GRPC: GrpcPayload,
    CheckType.TRACEROUTE: TraceroutePayload,
    CheckType.AGENTIC: AgenticPayload,
}
"""The payload of each type that can be saved."""


def check_type_of(payload: Mapping[str, object], *, where: str = "") -> CheckType:
    """The payload's `checkType`. Raises Invalid for a word that is no type."""
    word = payload.get("checkType")
    if word not in set(CheckType):
        raise Invalid(f"{where}checkType: {word!r} is none of {', '.join(CheckType)}.")
    return CheckType(str(word))


def draft_from_payload(payload: Mapping[str, object], *, where: str = "") -> CheckDraft:
    """The draft a payload describes. Raises Invalid naming ``where`` + field and what is allowed.

    NotBuilt for groups that are named by a reference alone: who deploys says ids in place of references.
    """
    check_type = check_type_of(payload, where=where)
    if isinstance(group := payload.get("groupId"), Mapping) and "ref" in group:
        raise NotBuilt(
            f"{where}groupId: a group that is not deployed is said whole, in `group`; others by id."
        )
    # The contract says null for "the default", but for a retry strategy, where it says "none".
    present = {key: value for key, value in payload.items() if value is not None or key == "retryStrategy"}
    try:
        check = SHAPES[check_type].model_validate(present)
    except ValidationError as error:
        raise Invalid(where + first_problem(error)) from error
    return CheckDraft(
        type=check_type,
        name=check.name,
        spec=check.spec(),
        policy=check.policy(),
        activated=check.activated,
        muted=check.muted,
        locations=check.locations,
        private_locations=check.private_locations,
        tags=check.tags,
        frequency_min=check.frequency,
        frequency_offset_s=check.frequency_offset,
        run_parallel=check.run_parallel,
        environment=check.environment(),
        description=check.description,
        group_id=check.group_id,
        group_order=check.group_order,
    )


def changed_draft(check: Check, changes: Mapping[str, object]) -> CheckDraft:
    """The check with some fields of its payload said anew; what is not said stays. Raises as above."""
    payload = payload_of(check)
    if "environmentVariables" not in changes:
        del payload["environmentVariables"]  # those it has are kept
    if "retryStrategy" in changes and "doubleCheck" not in changes:
        payload["doubleCheck"] = False
    if "doubleCheck" in changes and "retryStrategy" not in changes:
        payload["retryStrategy"] = None
    if changes.get("frequency", 0) != 0:
        payload["frequencyOffset"] = None
    return draft_from_payload({**payload, **changes})
