"""Many new rows in one statement, as tuples.

SQLAlchemy's own way works out names, defaults and types of every row anew, which takes longer than the
database needs to write it. Here that is worked out once for a table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

_Process = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Statement:
    """An insert as a driver takes it: of each parameter its place in a row, and what is made of it."""

    text: str
    parameters: tuple[tuple[int, _Process | None], ...]


class NewRows:
    """Inserts rows into some columns of a table; the other columns are left to the database."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._table = table
        self._names = tuple(names)
        self._statements: dict[str, _Statement] = {}

    async def insert(self, connection: AsyncConnection, rows: Sequence[tuple[object, ...]]) -> None:
        """Write the rows, each with its values in the order of the names.

        :raises IntegrityError: there is one with such a key, or something that it refers to is not there.
        """
        if not rows:
            return
        statement = self._statement_for(connection.dialect)
        columns = list(zip(*rows, strict=True))
        values = [map(made, columns[at]) if made else columns[at] for at, made in statement.parameters]
        await connection.exec_driver_sql(statement.text, list(zip(*values, strict=True)))

    def _statement_for(self, dialect: Dialect) -> _Statement:
        known = self._statements.get(dialect.name)
        if known is None:
            known = self._statements[dialect.name] = self._compile(dialect)
        return known

    def _compile(self, dialect: Dialect) -> _Statement:
        compiled = insert(self._table).compile(dialect=dialect, column_keys=list(self._names))
        order = compiled.positiontup or ()  # both drivers count their parameters
        return _Statement(
            str(compiled), tuple((self._names.index(n), self._process(n, dialect)) for n in order)
        )

    def _process(self, name: str, dialect: Dialect) -> _Process | None:
        return self._table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
