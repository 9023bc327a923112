"""Triggers of checks and of groups, and the addresses that they make: those need no key, but the token."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from bellrock.api.auth import EditCaller, PlatformOf, RunCaller
from bellrock.api.bodies.base import Answer, Day, SnakeCreatedDay, SnakeUpdatedDay, is_none
from bellrock.api.queries import NumericId
from bellrock.api.rate_limit import RateLimiter
from bellrock.domain.errors import NotFound
from bellrock.domain.triggers import Subject, Trigger
from bellrock.services import triggers
from bellrock.services.platform import Platform

router = APIRouter(tags=["Triggers"])

Token = Annotated[str, Path(max_length=64)]


class TriggerBody(Answer):
    """A trigger of a check or a group; the other one's id is absent."""

    id: int
    token: str
    check_id: UUID | None = Field(None, exclude_if=is_none)
    group_id: int | None = Field(None, exclude_if=is_none)
    created_at: SnakeCreatedDay
    called_at: Annotated[Day | None, Field(alias="called_at")]
    updated_at: SnakeUpdatedDay = None

    @classmethod
    def of(cls, trigger: Trigger) -> "TriggerBody":
        """As the contract says it."""
        return cls(
            id=trigger.id,
            token=trigger.token,
            check_id=trigger.check_id,
            group_id=trigger.group_id,
            created_at=trigger.created_at,
            called_at=trigger.called_at,
        )


class StartedSession(Answer):
    """A session that somebody without a key has started: enough to find it with one."""

    check_session_id: UUID
    check_id: UUID | None
    name: str


class CalledTrigger(Answer):
    """What a trigger has started."""

    sessions: tuple[StartedSession, ...]


@router.get("/v1/triggers/checks/{checkId}")
async def get_check_trigger(checkId: UUID, platform: PlatformOf, caller: RunCaller) -> TriggerBody:  # noqa: N803
    """The trigger of a check."""
    return TriggerBody.of(await triggers.get_trigger(platform, caller, checkId))


@router.post("/v1/triggers/checks/{checkId}", status_code=201)
async def create_check_trigger(checkId: UUID, platform: PlatformOf, caller: EditCaller) -> TriggerBody:  # noqa: N803
    """Give a check a trigger."""
    return TriggerBody.of(await triggers.create_trigger(platform, caller, checkId))


@router.delete("/v1/triggers/checks/{checkId}", status_code=204)
async def delete_check_trigger(checkId: UUID, platform: PlatformOf, caller: EditCaller) -> Response:  # noqa: N803
    """Take the trigger of a check away."""
    await triggers.delete_trigger(platform, caller, checkId)
    return Response(status_code=204)


@router.get("/v1/triggers/check-groups/{groupId}")
async def get_group_trigger(groupId: NumericId, platform: PlatformOf, caller: RunCaller) -> TriggerBody:  # noqa: N803
    """The trigger of a group."""
    return TriggerBody.of(await triggers.get_trigger(platform, caller, groupId))


@router.post("/v1/triggers/check-groups/{groupId}", status_code=201)
async def create_group_trigger(groupId: NumericId, platform: PlatformOf, caller: EditCaller) -> TriggerBody:  # noqa: N803
    """Give a group a trigger."""
    return TriggerBody.of(await triggers.create_trigger(platform, caller, groupId))


@router.delete("/v1/triggers/check-groups/{groupId}", status_code=204)
async def delete_group_trigger(groupId: NumericId, platform: PlatformOf, caller: EditCaller) -> Response:  # noqa: N803
    """Take the trigger of a group away."""
    await triggers.delete_trigger(platform, caller, groupId)
    return Response(status_code=204)


# Outside of what needs a key. Hooks of other services know GET alone, or POST alone.
@router.get("/checks/{checkId}/trigger/{token}", status_code=201, include_in_schema=False)
@router.post("/checks/{checkId}/trigger/{token}", status_code=201, include_in_schema=False)
async def call_check_trigger(
    checkId: UUID,  # noqa: N803
    token: Token,
    request: Request,
) -> CalledTrigger:
    """Start a check."""
    return await _call(request, checkId, token)


@router.get("/check-groups/{groupId}/trigger/{token}", status_code=201, include_in_schema=False)
@router.post("/check-groups/{groupId}/trigger/{token}", status_code=201, include_in_schema=False)
async def call_group_trigger(
    groupId: NumericId,  # noqa: N803
    token: Token,
    request: Request,
) -> CalledTrigger:
    """Start the checks of a group."""
    return await _call(request, groupId, token)


async def _call(request: Request, subject: Subject, token: str) -> CalledTrigger:
    """A call counts as the account's; a token that is none counts as a bad key of the address."""
    platform: Platform = request.app.state.platform
    limiter: RateLimiter = request.app.state.rate_limiter
    try:
        trigger = await triggers.find_trigger(platform, subject, token)
    except NotFound:
        await limiter.count_bad_key(request.client.host if request.client else "unknown")
        raise
    await limiter.count_request(trigger.account_id)
    sessions = [each.session for each in await triggers.call_trigger(platform, trigger)]
    return CalledTrigger(
        sessions=tuple(
            StartedSession(check_session_id=each.id, check_id=each.check_id, name=each.name)
            for each in sessions
        )
    )
