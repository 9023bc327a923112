"""Who hears of what: kept with each check and group, and told of each alert channel."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.checks import Subscription
from bellrock.domain.errors import Invalid
from bellrock.store.checks import StoredCheck, load_check, load_checks, policies_of, update_check
from bellrock.store.groups import StoredGroup, load_group, load_groups, update_group


@dataclass(frozen=True, slots=True)
class ChannelSubscription:
    """A check or a group that an alert channel hears of, unless it is not activated."""

    activated: bool
    check_id: UUID | None = None
    group_id: int | None = None


async def subscriptions_of_channels(
    connection: AsyncConnection, account_id: UUID
) -> Mapping[int, Sequence[ChannelSubscription]]:
    """What each of the account's alert channels hears of, by the channel's number."""
    found: dict[int, list[ChannelSubscription]] = {}
    for group_id, group in (await load_groups(connection, account_id)).items():
        for each in group.group.subscriptions:
            heard = ChannelSubscription(each.activated, group_id=group_id)
            found.setdefault(each.alert_channel_id, []).append(heard)
    for check_id, policy in (await policies_of(connection, account_id)).items():
        for each in policy.subscriptions:
            heard = ChannelSubscription(each.activated, check_id=check_id)
            found.setdefault(each.alert_channel_id, []).append(heard)
    return found


async def subscribe(
    connection: AsyncConnection, account_id: UUID, channel: int, wanted: ChannelSubscription
) -> None:
    """Have a channel hear of a check or a group. Raises Invalid where that is not there, or for both."""
    subscription = Subscription(channel, wanted.activated)
    if (wanted.check_id is None) == (wanted.group_id is None):
        raise Invalid("subscriptions: each names a checkId or a groupId, and not both.")
    if wanted.check_id is not None:
        check = await load_check(connection, account_id, wanted.check_id)
        if check is None:
            raise Invalid(f"checkId: there is no check {wanted.check_id}.")
        await _save_check(connection, check, _with(check.check.policy.subscriptions, subscription))
    if wanted.group_id is not None:
        group = await load_group(connection, account_id, wanted.group_id, to_change=True)
        if group is None:
            raise Invalid(f"groupId: there is no check group {wanted.group_id}.")
        await _save_group(connection, group, _with(group.group.subscriptions, subscription))


async def forget_channels(connection: AsyncConnection, account_id: UUID, channels: Collection[int]) -> None:
    """Have these channels hear of nothing any more."""
    for group in (await load_groups(connection, account_id)).values():
        if any(each.alert_channel_id in channels for each in group.group.subscriptions):
            await _save_group(connection, group, _without(group.group.subscriptions, channels))
    policies = await policies_of(connection, account_id)
    hearing = [
        check_id
        for check_id, policy in policies.items()
        if any(each.alert_channel_id in channels for each in policy.subscriptions)
    ]
    for check in (await load_checks(connection, hearing)).values() if hearing else ():
        await _save_check(connection, check, _without(check.check.policy.subscriptions, channels))


async def unsubscribe(
    connection: AsyncConnection, account_id: UUID, channel: int, wanted: ChannelSubscription
) -> None:
    """Have a channel not hear of a check or a group any more, if that is still there."""
    if wanted.check_id is not None:
        check = await load_check(connection, account_id, wanted.check_id)
        if check is not None:
            await _save_check(connection, check, _without(check.check.policy.subscriptions, {channel}))
    if wanted.group_id is not None:
        group = await load_group(connection, account_id, wanted.group_id, to_change=True)
        if group is not None:
            await _save_group(connection, group, _without(group.group.subscriptions, {channel}))


def _with(known: Iterable[Subscription], wanted: Subscription) -> tuple[Subscription, ...]:
    kept = [each for each in known if each.alert_channel_id != wanted.alert_channel_id]
    return (*kept, wanted)


def _without(known: Iterable[Subscription], channels: Collection[int]) -> tuple[Subscription, ...]:
    return tuple(each for each in known if each.alert_channel_id not in channels)


async def _save_check(
    connection: AsyncConnection, stored: StoredCheck, subscriptions: tuple[Subscription, ...]
) -> None:
    policy = replace(stored.check.policy, subscriptions=subscriptions)
    await update_check(connection, replace(stored, check=replace(stored.check, policy=policy)))


async def _save_group(
    connection: AsyncConnection, stored: StoredGroup, subscriptions: tuple[Subscription, ...]
) -> None:
    await update_group(connection, replace(stored, group=replace(stored.group, subscriptions=subscriptions)))
