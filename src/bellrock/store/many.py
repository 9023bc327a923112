"""`column IN (...)` for many values, in a statement that is the same however many they are.

With a parameter for each, SQLAlchemy writes the statement anew for every number of them, and the database
reads it anew.
"""

import json
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine


class one_of(FunctionElement[bool]):  # noqa: N801 - named as what it reads like
    """Whether a column's value is among those of a parameter of that name: any collection of them."""

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: Column[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=_Many(column.type)))

    def self_group(self, against: OperatorType | None = None) -> "one_of":  # noqa: ARG002
        """As it is: a comparison with true around it would hide the index from SQLite."""
        return self


class _Many(TypeDecorator[Any]):
    """Values of a type in one parameter: an array on PostgreSQL, a list as JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Which of the two."""
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """As the driver takes it."""
        if dialect.name == "postgresql":
            return list(value)
        process = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([process(each) for each in value] if process else list(value))


@compiles(one_of, "sqlite")
def _in_list(element: one_of, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are SQLAlchemy's words


@compiles(one_of, "postgresql")
def _in_array(element: one_of, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({values})"
