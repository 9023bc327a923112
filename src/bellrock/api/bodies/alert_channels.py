"""Alert channels and what they hear of, as the contract says them."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from bellrock.api.bodies.base import Answer, Ask, SnakeCreated, SnakeUpdated
from bellrock.api.bodies.bindings import ProjectBindings, Projects, bindings
from bellrock.services.alert_channels import ChannelView
from bellrock.services.alert_subscriptions import ChannelSubscription
from bellrock.services.kept_payload.alert_channels import AlertChannelFields, AlertChannelPayload

_GroupId = Annotated[int, Field(gt=0, le=2_147_483_647)]


class SubscriptionAsk(Ask):
    """A check or a group that a channel hears of."""

    check_id: UUID | None = None
    group_id: _GroupId | None = None
    activated: bool

    def subscription(self) -> ChannelSubscription:
        """As the service wants it."""
        return ChannelSubscription(self.activated, self.check_id, self.group_id)


class SubscriptionBody(Answer):
    """A check or a group that a channel hears of."""

    check_id: UUID | None
    group_id: int | None
    activated: bool


class AlertChannelAsk(AlertChannelPayload):
    """An alert channel to be kept. A change that says no subscriptions leaves them as they are."""

    subscriptions: Annotated[tuple[SubscriptionAsk, ...], Field(max_length=1_000)] | None = None

    def heard(self) -> tuple[ChannelSubscription, ...] | None:
        """What it is to hear of, None where that is not said."""
        if self.subscriptions is None:
            return None
        return tuple(each.subscription() for each in self.subscriptions)

    def kept(self) -> dict[str, object]:
        """What is kept with the channel itself."""
        return {name: value for name, value in self.body().items() if name != "subscriptions"}


class SavedChannel(AlertChannelFields):
    """An alert channel just saved."""

    model_config = ConfigDict(extra="ignore")

    id: int
    subscriptions: tuple[SubscriptionBody, ...]
    created_at: SnakeCreated
    updated_at: SnakeUpdated = None


class AlertChannelBody(SavedChannel):
    """An alert channel as it is read."""

    project_bindings: ProjectBindings


def subscription_body(subscription: ChannelSubscription) -> SubscriptionBody:
    """One subscription."""
    return SubscriptionBody(
        check_id=subscription.check_id, group_id=subscription.group_id, activated=subscription.activated
    )


def saved_channel(view: ChannelView) -> SavedChannel:
    """The answer to a change."""
    return SavedChannel.model_validate(_said(view))


def channel_body(view: ChannelView, projects: Projects) -> AlertChannelBody:
    """A channel as it is read."""
    bound = bindings(view.channel, projects)
    return AlertChannelBody.model_validate({**_said(view), "projectBindings": bound})


def _said(view: ChannelView) -> dict[str, object]:
    return {
        **view.channel.body,
        "id": view.channel.number,
        "subscriptions": tuple(subscription_body(each) for each in view.subscriptions),
        "created_at": view.channel.created_at,
        "updated_at": view.channel.updated_at,
    }
