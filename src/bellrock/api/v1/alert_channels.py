"""Alert channels, and the log of alerts, which is empty: no alert is sent yet."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.api.bodies.alert_channels import (
    AlertChannelAsk,
    AlertChannelBody,
    SavedChannel,
    SubscriptionAsk,
    SubscriptionBody,
    channel_body,
    saved_channel,
    subscription_body,
)
from bellrock.api.owners import ProjectsOf
from bellrock.api.paging import tell_range
from bellrock.api.queries import Limit, NumericId, Page, UtcMoment
from bellrock.services import alert_channels

router = APIRouter(prefix="/v1", tags=["Alert channels"])


@router.get("/alert-channels")
async def list_channels(
    response: Response,
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
    limit: Limit = 10,
    page: Page = 1,
) -> list[AlertChannelBody]:
    """List channels in the order they were made; ``Content-Range`` says how many there are in all."""
    found = await alert_channels.list_channels(platform, caller, page=page, limit=limit)
    tell_range(response, page=page, limit=limit, shown=len(found.channels), total=found.total)
    return [channel_body(each, projects) for each in found.channels]


@router.post("/alert-channels", status_code=201)
async def create_channel(platform: PlatformOf, caller: EditCaller, body: AlertChannelAsk) -> SavedChannel:
    """Keep a new channel."""
    view = await alert_channels.create_channel(
        platform, caller, body.kept(), subscriptions=body.heard() or ()
    )
    return saved_channel(view)


@router.get("/alert-channels/{id}")
async def get_channel(
    id: NumericId,  # noqa: A002  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    projects: ProjectsOf,
) -> AlertChannelBody:
    """One channel. Who may not change it is not shown what its configuration keeps secret."""
    return channel_body(await alert_channels.get_channel(platform, caller, id), projects)


@router.put("/alert-channels/{id}")
async def update_channel(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: AlertChannelAsk,
) -> SavedChannel:
    """Replace a channel."""
    view = await alert_channels.update_channel(platform, caller, id, body.kept(), subscriptions=body.heard())
    return saved_channel(view)


@router.delete("/alert-channels/{id}", status_code=204)
async def delete_channel(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
) -> Response:
    """Delete a channel. Checks and groups do not name it any more."""
    await alert_channels.delete_channel(platform, caller, id)
    return Response(status_code=204)


@router.put("/alert-channels/{id}/subscriptions")
async def subscribe_channel(
    id: NumericId,  # noqa: A002
    platform: PlatformOf,
    caller: EditCaller,
    body: SubscriptionAsk,
) -> SubscriptionBody:
    """Have a channel hear of a check or a group, or not any more."""
    subscription = body.subscription()
    await alert_channels.subscribe_channel(platform, caller, id, subscription=subscription)
    return subscription_body(subscription)


class Notifications(BaseModel):
    """Which alerts to list. Read so that a bad filter is refused; there is nothing to filter yet."""

    limit: int = Field(10, ge=1, le=100)
    page: int = Field(1, ge=1, le=1_000_000)
    start: UtcMoment | None = Field(None, alias="from")
    end: UtcMoment | None = Field(None, alias="to")
    alert_channel_id: int | None = Field(None, alias="alertChannelId", gt=0)
    has_failures: bool | None = Field(None, alias="hasFailures")


@router.get("/alert-notifications")
async def list_notifications(
    response: Response, _: Caller, filters: Annotated[Notifications, Query()]
) -> list[dict[str, str]]:
    """List the alerts that were sent: none, in this version."""
    tell_range(response, page=filters.page, limit=filters.limit, shown=0, total=0)
    return []
