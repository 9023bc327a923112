"""Which results of a check to list: the same question in both versions."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.queries import LAST_SECOND, moment
from bellrock.domain.specs import CheckType
from bellrock.services.results import ResultQuery

_TYPES: dict[str, Sequence[str]] = {
    "FINAL": ("FINAL",),
    "ATTEMPT": ("ATTEMPT",),
    "ALL": ("FINAL", "ATTEMPT"),
}


class ResultFilters(BaseModel):
    """Filters of both versions. ``checkType`` is let pass: a check has one type."""

    model_config = ConfigDict(populate_by_name=True)

    limit: int = Field(10, ge=1, le=100)
    location: str | None = Field(None, max_length=100)
    check_type: CheckType | None = Field(None, alias="checkType")
    has_failures: bool | None = Field(None, alias="hasFailures")
    result_type: Literal["FINAL", "ATTEMPT", "ALL"] = Field("FINAL", alias="resultType")
    from_s: float | None = Field(None, alias="from", ge=0, le=LAST_SECOND)
    to_s: float | None = Field(None, alias="to", ge=0, le=LAST_SECOND)
    page: int = Field(1, ge=1, le=1_000_000)
    next_id: str | None = Field(None, alias="nextId", min_length=1, max_length=500)

    def query(self) -> ResultQuery:
        """As the service wants it."""
        return ResultQuery(
            limit=self.limit,
            page=self.page,
            next_id=self.next_id,
            from_at=moment(self.from_s),
            to_at=moment(self.to_s),
            location=self.location,
            has_failures=self.has_failures,
            result_types=tuple(_TYPES[self.result_type]),
        )
