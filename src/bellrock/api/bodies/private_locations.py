"""Private locations: what is asked for, and how one is said. Of most moments the contract says the day."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bellrock import __version__
from bellrock.api.bodies.base import Answer, Ask, Day, Instant, SnakeCreatedDay, SnakeUpdatedDay, is_none
from bellrock.domain.private_locations import QueueAt
from bellrock.services.private_locations import Agent, LocationKey, LocationView


class LocationAsk(Ask):
    """A private location to be made."""

    name: str
    slug_name: str
    icon: str = "location"
    proxy_url: str | None = None


class LocationChange(Ask):
    """A private location's changes. What is not said stays."""

    name: str
    icon: str | None = None
    proxy_url: str | None = None

    def changes(self) -> dict[str, str | None]:
        """What is said. An icon cannot be taken away."""
        said = self.model_dump(exclude_unset=True)
        return {name: value for name, value in said.items() if name != "icon" or value is not None}


class KeyBody(Answer):
    """A key. ``rawKey`` is said in the answer that made it; later it is empty."""

    id: UUID
    raw_key: str
    masked_key: str
    created_at: SnakeCreatedDay
    updated_at: Annotated[None, Field(alias="updated_at")] = None


class AgentBody(Answer):
    """A runner that is connected now."""

    id: str
    last_seen_at: Instant


class AgentsBody(Answer):
    """Connected runners of one version."""

    version: str
    is_outdated: bool
    count: int
    agents: tuple[AgentBody, ...]


class SavedLocation(Answer):
    """A private location just saved."""

    id: UUID
    name: str
    slug_name: str
    icon: str
    proxy_url: str | None
    keys: tuple[KeyBody, ...]
    created_at: SnakeCreatedDay
    updated_at: SnakeUpdatedDay


class LocationBody(SavedLocation):
    """A private location, and who serves it. ``runningAgents`` of a list: only where asked for."""

    last_seen: Day | None
    agent_count: int
    running_agents: tuple[AgentsBody, ...] | None = Field(None, exclude_if=is_none)


class QueueBody(Answer):
    """The queue of a location: at each moment how many runs waited, the longest for how many seconds."""

    timestamps: tuple[Instant, ...]
    queue_size: tuple[int, ...]
    oldest_scheduled_check_run: tuple[float, ...]


def key_body(key: LocationKey) -> KeyBody:
    """A key."""
    return KeyBody(id=key.id, raw_key=key.secret or "", masked_key=key.hint, created_at=key.created_at)


def saved_location(view: LocationView) -> SavedLocation:
    """The answer to a change."""
    return SavedLocation(**_common(view))


def location_body(view: LocationView, *, with_agents: bool) -> LocationBody:
    """A location as it is read."""
    versions = sorted({agent.version for agent in view.agents})
    agents = tuple(_agents(version, view.agents) for version in versions)
    return LocationBody(
        **_common(view),
        last_seen=view.seen_at,
        agent_count=len(view.agents),
        running_agents=agents if with_agents else None,
    )


def queue_body(history: Sequence[QueueAt]) -> QueueBody:
    """A queue's history, as columns."""
    return QueueBody(
        timestamps=tuple(each.at for each in history),
        queue_size=tuple(each.size for each in history),
        oldest_scheduled_check_run=tuple(each.oldest_s for each in history),
    )


def _agents(version: str, agents: Sequence[Agent]) -> AgentsBody:
    of_version = tuple(
        AgentBody(id=agent.id, last_seen_at=agent.seen_at) for agent in agents if agent.version == version
    )
    return AgentsBody(
        version=version, is_outdated=version != __version__, count=len(of_version), agents=of_version
    )


def _common(view: LocationView) -> dict[str, Any]:
    location = view.location
    return {
        "id": location.id,
        "name": location.name,
        "slug_name": location.slug,
        "icon": location.icon,
        "proxy_url": location.proxy_url,
        "keys": tuple(key_body(key) for key in view.keys),
        "created_at": location.created_at,
        "updated_at": location.updated_at,
    }
