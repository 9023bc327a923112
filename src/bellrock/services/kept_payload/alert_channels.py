"""Alert channels: where alerts would go."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bellrock.services.kept_payload.common import KeptPayload

ChannelType = Literal["EMAIL", "SLACK", "SLACK_APP", "WEBHOOK", "SMS", "PAGERDUTY", "OPSGENIE", "CALL"]
_NEEDED = {
    "EMAIL": "address",
    "SLACK": "url",
    "SLACK_APP": "slackChannels",
    "WEBHOOK": "url",
    "SMS": "number",
    "PAGERDUTY": "serviceKey",
    "OPSGENIE": "apiKey",
    "CALL": "number",
}
_SECRETS = frozenset({"apiKey", "serviceKey", "webhookSecret"})
_MAY_HOLD_SECRETS = frozenset({"url", "headers", "queryParameters"})


class AlertChannelFields(KeptPayload):
    """What an alert channel has."""

    type: ChannelType
    config: Mapping[str, Any]
    send_recovery: bool = True
    send_failure: bool = True
    send_degraded: bool = False
    ssl_expiry: bool = False
    ssl_expiry_threshold: Annotated[int, Field(ge=1, le=30)] = 30
    auto_subscribe: bool = False


class AlertChannelPayload(AlertChannelFields):
    """An alert channel. ``config`` holds what its type needs."""

    @model_validator(mode="after")
    def _has_its_target(self) -> "AlertChannelPayload":
        needed = _NEEDED[self.type]
        if not self.config.get(needed):
            message = f"config.{needed}: a channel of type {self.type} needs it"
            raise ValueError(message)
        return self


def config_without_secrets(config: Mapping[str, Any]) -> dict[str, Any]:
    """A channel's configuration for readers who may not change it: what could be used to send is empty."""

    def hidden(name: str, value: object) -> object:
        if name in _SECRETS or (name in _MAY_HOLD_SECRETS and isinstance(value, str)):
            return "" if value else value
        if name in _MAY_HOLD_SECRETS and isinstance(value, list):
            return [
                {**pair, "value": ""} if isinstance(pair, dict) and "value" in pair else pair
                for pair in value
            ]
        return value

    return {name: hidden(name, value) for name, value in config.items()}
