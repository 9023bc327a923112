"""Parameters that several routes share: lists in both spellings, moments in Unix seconds, numeric ids."""

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, get_args

from fastapi import Path, Query, Request
from pydantic import AfterValidator, TypeAdapter, ValidationError

from bellrock.api.bodies.check_results import AssetType
from bellrock.domain.errors import Invalid

ASSET_TYPES: tuple[AssetType, ...] = get_args(AssetType)
LAST_SECOND = 253_402_300_799  # the end of the year 9999: what a datetime can hold

UnixSeconds = Annotated[float | None, Query(ge=0, le=LAST_SECOND)]
Limit = Annotated[int, Query(ge=1, le=100)]
Page = Annotated[int, Query(ge=1, le=1_000_000)]
NumericId = Annotated[int, Path(gt=0, le=2_147_483_647)]  # the largest that a column holds
ApplyGroup = Annotated[bool, Query(alias="applyGroupSettings")]
NextId = Annotated[str | None, Query(alias="nextId", min_length=1, max_length=500)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("in UTC this is before the year 1 or after the year 9999") from error


UtcMoment = Annotated[
    datetime, AfterValidator(_in_utc)
]  # a date or moment as in ISO 8601, in UTC unless it says


def moment(seconds: float | None) -> datetime | None:
    """Unix seconds as a moment."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def words(request: Request, name: str, *, allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """All values of ``name`` and ``name[]``, each perhaps a comma list when only some words are allowed."""
    given = [*request.query_params.getlist(name), *request.query_params.getlist(f"{name}[]")]
    if not allowed:
        return tuple(given)
    split = tuple(word for value in given for word in value.split(",") if word)
    for word in split:
        if word not in allowed:
            raise Invalid(f"{name} (query) is not right: {word[:50]!r} is not one of {', '.join(allowed)}.")
    return split


_COMPARISONS: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_MOMENT: TypeAdapter[datetime] = TypeAdapter(UtcMoment)


def compared(request: Request, name: str) -> tuple[str, Callable[[datetime], bool]]:
    """What ``name[gt]``, ``[gte]``, ``[lt]`` and ``[lte]`` ask of a moment: all of those that are there."""
    given = [(word, request.query_params.get(f"{name}[{word}]")) for word in _COMPARISONS]
    limits = [(_COMPARISONS[word], _limit(name, word, text)) for word, text in given if text is not None]
    return name, lambda at: all(holds(at, limit) for holds, limit in limits)


def _limit(name: str, word: str, text: str) -> datetime:
    try:
        return _MOMENT.validate_python(text)
    except ValidationError as error:
        said = f"{name}[{word}] (query) is not right: use a day or a moment as in ISO 8601."
        raise Invalid(said) from error


def asset_types(request: Request) -> tuple[AssetType, ...]:
    """The asset types asked for; none means all."""
    chosen = words(request, "type", allowed=ASSET_TYPES)
    return tuple(kind for kind in ASSET_TYPES if kind in chosen)
