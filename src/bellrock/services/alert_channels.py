"""Alert channels: kept with what they hear of. No alert is sent yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.kept import KeptKind, KeptResource
from bellrock.services.alert_subscriptions import (
    ChannelSubscription,
    forget_channels,
    subscribe,
    subscriptions_of_channels,
)
from bellrock.services.kept import load_kept
from bellrock.services.kept_payload.alert_channels import config_without_secrets
from bellrock.services.kept_rows import new_kept, opened, sealed
from bellrock.services.platform import Platform
from bellrock.store import kept_resources as store

log = structlog.get_logger(__name__)

_KIND = KeptKind.ALERT_CHANNEL


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as its reader may see it, and what it hears of."""

    channel: KeptResource
    subscriptions: tuple[ChannelSubscription, ...]


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One page of channels, and how many there are in all."""

    channels: tuple[ChannelView, ...]
    total: int


async def create_channel(
    platform: Platform,
    principal: Principal,
    body: Mapping[str, Any],
    *,
    subscriptions: Sequence[ChannelSubscription] = (),
) -> ChannelView:
    """Keep a new channel. Raises Invalid for a check or a group that is not there. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        wanted = new_kept(platform, principal.account_id, _KIND, body)
        stored = await store.insert_kept(connection, sealed(platform.vault, wanted))
        channel = opened(platform.vault, stored)
        for each in subscriptions:
            await subscribe(connection, principal.account_id, channel.number, each)
        (view,) = await _views(connection, principal, [channel])
    log.info("alert_channel.created", number=channel.number, by=str(principal.key_id))
    return view


async def update_channel(
    platform: Platform,
    principal: Principal,
    number: int,
    body: Mapping[str, Any],
    *,
    subscriptions: Sequence[ChannelSubscription] | None = None,
) -> ChannelView:
    """Replace a channel, and what it hears of where that is said.

    Raises NotFound, Invalid for a check or a group that is not there. Needs EDIT.
    """
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        before = await load_kept(platform, connection, principal, _KIND, number, to_change=True)
        channel = replace(before, body=body, updated_at=platform.clock())
        await store.update_kept(connection, sealed(platform.vault, channel))
        if subscriptions is not None:
            await forget_channels(connection, principal.account_id, {number})
            for each in subscriptions:
                await subscribe(connection, principal.account_id, number, each)
        (view,) = await _views(connection, principal, [channel])
    log.info("alert_channel.updated", number=number, by=str(principal.key_id))
    return view


async def subscribe_channel(
    platform: Platform, principal: Principal, number: int, *, subscription: ChannelSubscription
) -> None:
    """Have a channel hear of a check or a group, or not any more. Raises NotFound, Invalid. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        await load_kept(platform, connection, principal, _KIND, number, to_change=True)
        await subscribe(connection, principal.account_id, number, subscription)


async def get_channel(platform: Platform, principal: Principal, number: int) -> ChannelView:
    """One channel. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        channel = await load_kept(platform, connection, principal, _KIND, number)
        (view,) = await _views(connection, principal, [channel])
    return view


async def list_channels(
    platform: Platform, principal: Principal, *, page: int = 1, limit: int = 10
) -> ChannelPage:
    """Channels in the order they were made, ``limit`` per page from page 1."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        found = await store.kept_of_kind(connection, _KIND, principal.account_id)
        shown = [opened(platform.vault, each) for each in found[(page - 1) * limit : page * limit]]
        return ChannelPage(await _views(connection, principal, shown), len(found))


async def delete_channel(platform: Platform, principal: Principal, number: int) -> None:
    """Delete a channel; checks and groups do not name it any more. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        channel = await load_kept(platform, connection, principal, _KIND, number, to_change=True)
        await forget_channels(connection, principal.account_id, {number})
        await store.delete_kept(connection, [channel.id])
    log.info("alert_channel.deleted", number=number, by=str(principal.key_id))


async def _views(
    connection: AsyncConnection, principal: Principal, channels: Sequence[KeptResource]
) -> tuple[ChannelView, ...]:
    heard = await subscriptions_of_channels(connection, principal.account_id) if channels else {}
    return tuple(ChannelView(_shown(each, principal), tuple(heard.get(each.number, ()))) for each in channels)


def _shown(channel: KeptResource, principal: Principal) -> KeptResource:
    if principal.may(Right.EDIT):
        return channel
    return replace(channel, body={**channel.body, "config": config_without_secrets(channel.body["config"])})
