"""What rows mean that are read often and seldom change.

To make a row's values into a record takes longer than to read it. Here a row is compared, as the driver has
it, with what it was the last time, and the record is made anew only where it says anything else: nothing
is ever served that the database does not say now.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from sqlalchemy import Dialect, Label, Table, type_coerce
from sqlalchemy.types import NullType

Record = TypeVar("Record")
_Read = Callable[[Any], Any] | None


class KnownRows(Generic[Record]):
    """Records of a table whose first column is its key. At most so many are remembered."""

    def __init__(self, table: Table, make: Callable[[Mapping[str, Any]], Record], *, most: int) -> None:
        self._table = table
        self._make = make
        self._most = most
        self._known: dict[Any, tuple[tuple[Any, ...], Record]] = {}
        self._readers: dict[str, list[_Read]] = {}

    @property
    def columns(self) -> list[Label[Any]]:
        """What to select: all columns, as the driver has them."""
        return [type_coerce(column, NullType()).label(column.name) for column in self._table.c]

    def record(self, row: tuple[Any, ...], dialect: Dialect) -> Record:
        """What such a row means."""
        known = self._known.get(row[0])
        if known is not None and known[0] == row:
            return known[1]
        record = self._make(self._read(row, dialect))
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[row[0]] = row, record
        return record

    def _read(self, row: tuple[Any, ...], dialect: Dialect) -> dict[str, Any]:
        readers = self._readers.get(dialect.name)
        if readers is None:
            kinds = [column.type.dialect_impl(dialect) for column in self._table.c]
            readers = self._readers[dialect.name] = [kind.result_processor(dialect, None) for kind in kinds]
        values = [read(value) if read else value for read, value in zip(readers, row, strict=True)]
        return dict(zip(self._table.c.keys(), values, strict=True))
