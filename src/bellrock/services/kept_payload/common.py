"""What the payloads of kept things have in common."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, model_validator

from bellrock.services.check_payload.common import Payload
from bellrock.services.storable import refuse_unstorable


class KeptPayload(Payload):
    """Base of kept things. Fields that we do not know are kept as well: nothing of a project is dropped."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, data: object) -> object:
        refuse_unstorable(data)
        return data

    def body(self) -> dict[str, Any]:
        """As it is kept."""
        return self.model_dump(mode="json", by_alias=True)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("in UTC this is before the year 1 or after the year 9999") from error


def written(moment: datetime) -> str:
    """A moment as it is kept and said: in UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    AfterValidator(_in_utc),
    PlainSerializer(written, return_type=str, when_used="json"),
]
"""A day or a moment as in ISO 8601, in UTC unless it says."""

Address = Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9+.-]*:[^\s\\<>\"{}|^`]+)?$", max_length=2_048)]
"""The address of a file or a page, or an empty text for none."""

Name = Annotated[str, Field(min_length=1, max_length=255)]
Tags = tuple[Annotated[str, Field(min_length=1)], ...]
