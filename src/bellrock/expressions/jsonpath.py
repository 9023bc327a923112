"""JSONPath: RFC 9535, with the conveniences of the contract.

These are a length at the end (`$.items.length`), in a filter (`?(@.tags.length > 1)`) and as a place
(`[(@.length-1)]`), JavaScript's `===` and `!==`, and names with a dash (`$.odd-name`).
"""

import re
from functools import lru_cache

from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.path import JSONPath

MOST_VALUES = 10_000
"""Values that a path may yield: `$..*` of a large body would otherwise fill the memory."""

_ENVIRONMENT = JSONPathEnvironment(strict=True)
_QUOTED = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
_LENGTH_AT_END = re.compile(r"^(?P<parent>.+)\.length$", re.DOTALL)
_REPLACED = (
    (re.compile(r"==="), "=="),
    (re.compile(r"!=="), "!="),
    (re.compile(r"\[\(\s*@\.length\s*-\s*(\d+)\s*\)\]"), r"[-\1]"),
    (re.compile(r"(@(?:\.[\w$]+|\[\d+\])*)\.length\b"), r"length(\1)"),
    (re.compile(r"\.(?!\.)((?:[^\W\d]|\$)[\w$]*(?:-[\w$]+)+)"), r"['\1']"),
)


class PathError(ValueError):
    """A path that cannot be read; the message says why."""


def find(path: str, document: object) -> list[object]:
    """The values at a path, in the document's order. Empty where there are none.

    Raises PathError for a path that cannot be read, or that yields more than `MOST_VALUES`.
    """
    if not path.startswith("$"):
        raise PathError(f"The path {path!r} does not start with $.")
    values = _values(_compiled(path), path, document)
    ending = _LENGTH_AT_END.match(path)
    if values or ending is None:
        return values
    return [
        len(value)
        for value in _values(_compiled(ending["parent"]), path, document)
        if isinstance(value, list | str)
    ]


def _values(compiled: JSONPath, path: str, document: object) -> list[object]:
    values: list[object] = []
    try:
        for match in compiled.finditer(document):  # type: ignore[arg-type]  # any JSON value will do
            if len(values) == MOST_VALUES:
                raise PathError(f"The path {path!r} yields more than {MOST_VALUES} values.")
            values.append(match.obj)
    except (JSONPathError, RecursionError) as error:
        raise PathError(f"The path {path!r} cannot be followed: {error}.") from error
    return values


@lru_cache(maxsize=512)
def _compiled(path: str) -> JSONPath:
    try:
        compiled = _ENVIRONMENT.compile(_as_rfc(path))
    except (JSONPathError, RecursionError) as error:
        raise PathError(f"The path {path!r} cannot be read: {error}.") from error
    assert isinstance(compiled, JSONPath)  # noqa: S101 - a compound path needs operators outside of filters
    return compiled


def _as_rfc(path: str) -> str:
    pieces = _QUOTED.split(path)
    for index in range(0, len(pieces), 2):  # those outside of quotes
        for pattern, replacement in _REPLACED:
            pieces[index] = pattern.sub(replacement, pieces[index])
    return "".join(pieces)
