"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import JSON, BigInteger, Dialect, String, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHORT_CHARS = 2_000
_MOST_KNOWN = 4_096
Word = TypeVar("Word", bound=StrEnum)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time as microseconds since the epoch.

    SQLite has no time type, and texts of times neither compare nor round-trip with the same precision.
    """

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:  # noqa: ARG002
        """To microseconds."""
        return _microseconds

    def result_processor(
        self,
        dialect: Dialect,  # noqa: ARG002
        coltype: object,  # noqa: ARG002
    ) -> Callable[[int | None], datetime | None]:
        """From microseconds."""
        return _time


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def _time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


class Words(TypeDecorator[Word]):
    """A member of a StrEnum as its text. No database enum: adding a member must need no migration."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__(64)
        self.words = words
        self._known: dict[str | None, Word | None] = {None: None, **{str(word): word for word in words}}

    def bind_processor(self, dialect: Dialect) -> Callable[[Word | None], str | None]:  # noqa: ARG002
        """To its text."""
        return _text

    def result_processor(
        self,
        dialect: Dialect,  # noqa: ARG002
        coltype: object,  # noqa: ARG002
    ) -> Callable[[str | None], Word | None]:
        """From its text. KeyError for one that is no member."""
        return self._known.__getitem__


def _text(word: StrEnum | None) -> str | None:
    return None if word is None else str(word)


def json_text(value: Any) -> str:  # noqa: ANN401
    """A plain value as JSON, for the JSON columns."""
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError:  # half a character, which Python's own writer escapes
        return json.dumps(value)


class Document(TypeDecorator[Any]):
    """A dataclass or model, or a tuple of them, as JSON.

    Most documents of many rows are alike (a policy, a list of locations): on SQLite, where the text is seen
    before it is read, what a short text means is remembered. All documents are frozen.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, shape: Any) -> None:  # noqa: ANN401
        super().__init__(none_as_null=True)
        self.shape = shape
        self._adapter: TypeAdapter[Any] = TypeAdapter(shape)
        self._known = lru_cache(_MOST_KNOWN)(self._adapter.validate_json)
        self._last: tuple[Any, str] = (None, "")

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:  # noqa: ARG002
        """To the text that both databases take."""
        return self._write

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002
        """From the text on SQLite; PostgreSQL's driver has parsed it already."""
        return self._read if dialect.name == "sqlite" else self._shape

    def _write(self, value: Any) -> str | None:  # noqa: ANN401
        if value is None:
            return None
        if value == ():
            return "[]"  # most lists of most results
        known, text = self._last
        if known is value:
            return text  # of many new rows that share it
        try:
            text = self._adapter.dump_json(value).decode()
        except PydanticSerializationError:
            text = json_text(self._adapter.dump_python(value, mode="json"))
        self._last = value, text
        return text

    def _read(self, text: str | None) -> Any:  # noqa: ANN401
        if text is None:
            return None
        try:
            return self._known(text) if len(text) <= _SHORT_CHARS else self._adapter.validate_json(text)
        except ValidationError:
            return self._shape(json.loads(text))  # half a character again

    def _shape(self, value: Any) -> Any:  # noqa: ANN401
        return None if value is None else self._adapter.validate_python(value)
