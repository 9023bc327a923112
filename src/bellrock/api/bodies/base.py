"""How bodies are written: camelCase, instants in UTC with milliseconds, no field unsaid.

Answers refuse fields they do not know (a typo of ours must not reach a client); requests ignore
them (clients are newer or older than we are) but refuse text that no database can hold.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from bellrock.services.asks import Ask

__all__ = [
    "Answer",
    "Ask",
    "Day",
    "Instant",
    "SnakeCreated",
    "SnakeCreatedDay",
    "SnakeUpdated",
    "SnakeUpdatedDay",
    "is_none",
]


def milliseconds(moment: datetime) -> str:
    """A moment as it is written."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(milliseconds, return_type=str, when_used="json")]
"""A moment, written as ``2026-01-31T12:00:00.000Z``."""

Day = Annotated[
    datetime,
    PlainSerializer(lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d}", return_type=str, when_used="json"),
]
"""A moment of which the contract says only the day: ``2026-01-31``."""


def is_none(value: object) -> bool:
    """For fields that the contract knows as absent, never as null: ``Field(None, exclude_if=is_none)``."""
    return value is None


# Older resources of the contract say these two in snake case.
SnakeCreated = Annotated[Instant, Field(alias="created_at")]
SnakeCreatedDay = Annotated[Day, Field(alias="created_at")]
SnakeUpdatedDay = Annotated[Day | None, Field(alias="updated_at")]
SnakeUpdated = Annotated[Instant | None, Field(alias="updated_at")]


class Answer(BaseModel):
    """Base of everything we say."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True, extra="forbid", frozen=True
    )
