"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import JSON, BigInteger, Dialect, String, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Word = TypeVar("Word", bound=StrEnum)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time as microseconds since the epoch.

    SQLite has no time type, and texts of times neither compare nor round-trip with the same precision.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Words(TypeDecorator[Word]):
    """A member of a StrEnum as its text. No database enum: adding a member must need no migration."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__(64)
        self.words = words

    def process_bind_param(self, value: Word | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Word | None:  # noqa: ANN401, ARG002
        return None if value is None else self.words(value)


class Document(TypeDecorator[Any]):
    """A dataclass or model, or a tuple of them, as JSON."""

    impl = JSON
    cache_ok = True

    def __init__(self, shape: Any) -> None:  # noqa: ANN401
        super().__init__(none_as_null=True)
        self.shape = shape
        self._adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        return None if value is None else self._adapter.validate_python(value)
