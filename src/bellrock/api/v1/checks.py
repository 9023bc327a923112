"""Checks in version 1: listed, read, saved, changed, deleted."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response

from bellrock.api.auth import EditCaller, PlatformOf
from bellrock.api.bodies.checks import AnyCheckV1, check_body_v1
from bellrock.api.check_reading import add_list, add_one
from bellrock.api.links import LinksOf
from bellrock.domain.specs import CheckType
from bellrock.services import checks
from bellrock.services.check_payload import SHAPES, changed_draft, draft_from_payload
from bellrock.services.check_payload.common import CheckPayload

router = APIRouter(prefix="/v1/checks", tags=["Checks"])

KINDS = {
    "playwright": CheckType.PLAYWRIGHT,
    "url": CheckType.URL,
    "api": CheckType.API,
    "tcp": CheckType.TCP,
    "dns": CheckType.DNS,
    "icmp": CheckType.ICMP,
    "ssl": CheckType.SSL,
    "heartbeat": CheckType.HEARTBEAT,
    "browser": CheckType.BROWSER,
    "multistep": CheckType.MULTI_STEP,
    "grpc": CheckType.GRPC,
    "traceroute": CheckType.TRACEROUTE,
}
"""The word in the path for each type."""

Changes = Annotated[dict[str, Any], Body()]


add_list(router, AnyCheckV1, check_body_v1)


@router.post("", status_code=201)
async def create_check(platform: PlatformOf, links: LinksOf, caller: EditCaller, body: Changes) -> AnyCheckV1:
    """Save a check of the type that `checkType` names."""
    return check_body_v1(await checks.create_check(platform, caller, draft_from_payload(body)), links)


def _creator(check_type: CheckType, shape: type[CheckPayload]) -> Callable[..., Awaitable[object]]:
    async def create(
        platform: PlatformOf,
        links: LinksOf,
        caller: EditCaller,
        body: shape,  # type: ignore[valid-type]  # FastAPI reads it
    ) -> AnyCheckV1:
        payload = body.model_dump(mode="json", by_alias=True, exclude_unset=True)  # type: ignore[attr-defined]
        draft = draft_from_payload({**payload, "checkType": check_type})
        return check_body_v1(await checks.create_check(platform, caller, draft), links)

    return create


def _changer(check_type: CheckType) -> Callable[..., Awaitable[object]]:
    async def change(
        id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
        platform: PlatformOf,
        links: LinksOf,
        caller: EditCaller,
        body: Changes,
    ) -> AnyCheckV1:
        said = {**body, "checkType": check_type}
        check = await checks.update_check(platform, caller, id, change=lambda old: changed_draft(old, said))
        return check_body_v1(check, links)

    return change


for _word, _type in KINDS.items():
    router.add_api_route(
        f"/{_word}",
        _creator(_type, SHAPES[_type]),
        methods=["POST"],
        status_code=201,
        response_model=AnyCheckV1,
        name=f"create_{_word}_check",
        description=f"Save a check of type {_type}.",
    )
    router.add_api_route(
        f"/{_word}/{{id}}",
        _changer(_type),
        methods=["PUT"],
        response_model=AnyCheckV1,
        name=f"update_{_word}_check",
        description=f"Change a check of type {_type}: fields that are not said stay as they are.",
    )


add_one(router, AnyCheckV1, check_body_v1)


@router.put("/{id}")
async def update_check(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    links: LinksOf,
    caller: EditCaller,
    body: Changes,
) -> AnyCheckV1:
    """Change a check: fields that are not said stay as they are."""
    check = await checks.update_check(platform, caller, id, change=lambda old: changed_draft(old, body))
    return check_body_v1(check, links)


@router.delete("/{id}", status_code=204)
async def delete_check(
    id: UUID,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a check. Its runs in flight go on to their end."""
    await checks.delete_check(platform, caller, id)
    return Response(status_code=204)
