"""What an assertion says about a value: the contract's comparisons, for every source of every check type.

A source yields values: none where the response has nothing there, one usually, several where a JSONPath
finds several. Every one of them must satisfy the comparison.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import regex

from bellrock.domain.specs import Assertion
from bellrock.expressions.javascript import number, text

MOST_SHOWN = 10 * 1024
"""Characters of the actual value that a result keeps."""
REGEX_TIMEOUT_S = 1.0
_LONGEST_IN_SENTENCE = 200


class AssertionUnusable(ValueError):
    """An assertion that cannot be checked, whatever the value is: the check's fault."""


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """An assertion with what was found. ``error`` is a sentence where it does not hold."""

    assertion: Assertion
    actual: str | None
    error: str | None = None


def check_values(assertion: Assertion, values: Sequence[object], *, subject: str) -> AssertionResult:
    """The assertion against everything its source yields. ``subject`` names it in the sentence.

    Raises AssertionUnusable where comparison and target do not go together.
    """
    holds = _comparison(assertion)
    if not values:
        passed = assertion.comparison in _HOLD_FOR_NOTHING
        error = None if passed else f"{subject} has no value: {_wish(assertion)} was asserted."
        return AssertionResult(assertion, None, error)
    for value in values:
        if not holds(value, assertion.target):
            sentence = f"{subject} is {_shown(value)}: {_wish(assertion)} was asserted."
            return AssertionResult(assertion, _kept(value), sentence)
    return AssertionResult(assertion, _kept(values[0] if len(values) == 1 else list(values)))


def first_group(pattern: str, whole: str) -> list[str]:
    """The first capture group of a JavaScript pattern's first match, or the match; empty for no match.

    Raises AssertionUnusable for a pattern that cannot be read or takes longer than `REGEX_TIMEOUT_S`.
    """
    try:
        found = regex.search(_in_python(pattern), whole, flags=regex.ASCII, timeout=REGEX_TIMEOUT_S)
    except regex.error as error:
        raise AssertionUnusable(f"The regular expression {pattern!r} cannot be read: {error}.") from error
    except TimeoutError as error:
        raise AssertionUnusable(
            f"The regular expression {pattern!r} took longer than {REGEX_TIMEOUT_S:g} s."
        ) from error
    if found is None:
        return []
    group = found[1] if found.re.groups else found[0]
    return [] if group is None else [group]


def _in_python(pattern: str) -> str:
    """JavaScript's `$` is the very end, and `[^]` anything."""
    pieces: list[str] = []
    in_class = False
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            pieces.append(pattern[position : position + 2])
            position += 2
            continue
        if not in_class and pattern.startswith("[^]", position):
            pieces.append(r"[\s\S]")
            position += 3
            continue
        if character == "[" and not in_class:
            in_class = True
        elif character == "[":
            character = r"\["  # one more bracket begins nothing in JavaScript
        elif character == "]":
            in_class = False
        elif character == "$" and not in_class:
            character = r"\Z"
        pieces.append(character)
        position += 1
    return "".join(pieces)


def _comparison(assertion: Assertion) -> Callable[[object, str], bool]:
    holds = _COMPARISONS.get(assertion.comparison)
    if holds is None:
        raise AssertionUnusable(f"The comparison {assertion.comparison!r} is not known.")
    if assertion.comparison in _NUMERIC and math.isnan(_as_number(assertion.target)):
        raise AssertionUnusable(
            f"The target {assertion.target!r} is no number: {assertion.comparison} needs one."
        )
    return holds


def _equals(value: object, target: str) -> bool:
    if text(value) == target:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    left, right = _as_number(value), _as_number(target)
    # Two texts are only equal when they are the same: "01" is not "1".
    return not isinstance(value, str) and left == right


def _contains(value: object, target: str) -> bool:
    if isinstance(value, list):
        return any(_equals(each, target) for each in value)
    if isinstance(value, Mapping):
        return target in value
    return target in text(value)


def _has_key(value: object, target: str) -> bool:
    if isinstance(value, list):
        return target.isdecimal() and int(target) < len(value)
    return isinstance(value, Mapping) and target in value


def _has_value(value: object, target: str) -> bool:
    if isinstance(value, Mapping):
        return any(_equals(each, target) for each in value.values())
    return isinstance(value, list) and any(_equals(each, target) for each in value)


def _is_empty(value: object, _target: str) -> bool:
    return value is None or (isinstance(value, str | list | Mapping) and not value)


def _is_greater(value: object, target: str) -> bool:
    return _as_number(value) > _as_number(target)


def _is_less(value: object, target: str) -> bool:
    return _as_number(value) < _as_number(target)


def _is_null(value: object, _target: str) -> bool:
    return value is None


def _not(holds: Callable[[object, str], bool]) -> Callable[[object, str], bool]:
    return lambda value, target: not holds(value, target)


_COMPARISONS: dict[str, Callable[[object, str], bool]] = {
    "EQUALS": _equals,
    "NOT_EQUALS": _not(_equals),
    "HAS_KEY": _has_key,
    "NOT_HAS_KEY": _not(_has_key),
    "HAS_VALUE": _has_value,
    "NOT_HAS_VALUE": _not(_has_value),
    "IS_EMPTY": _is_empty,
    "NOT_EMPTY": _not(_is_empty),
    "GREATER_THAN": _is_greater,
    "LESS_THAN": _is_less,
    "CONTAINS": _contains,
    "NOT_CONTAINS": _not(_contains),
    "IS_NULL": _is_null,
    "NOT_NULL": _not(_is_null),
}
COMPARISONS = frozenset(_COMPARISONS)
"""The contract's comparisons."""
_NUMERIC = frozenset({"GREATER_THAN", "LESS_THAN"})
_WITHOUT_TARGET = frozenset({"IS_EMPTY", "NOT_EMPTY", "IS_NULL", "NOT_NULL"})
_HOLD_FOR_NOTHING = frozenset(
    {"NOT_EQUALS", "NOT_HAS_KEY", "NOT_HAS_VALUE", "NOT_CONTAINS", "IS_EMPTY", "IS_NULL"}
)


def _as_number(value: object) -> float:
    """A number, or a text that is one; NaN for everything else, nothing and true included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    return math.nan if isinstance(value, str) and not value.strip() else number(value)


def _wish(assertion: Assertion) -> str:
    words = assertion.comparison.lower().replace("_", " ")
    return words if assertion.comparison in _WITHOUT_TARGET else f"{words} {assertion.target!r}"


def _shown(value: object) -> str:
    shown = _kept(value)
    return shown if len(shown) <= _LONGEST_IN_SENTENCE else f"{shown[:_LONGEST_IN_SENTENCE]}…"


def _kept(value: object) -> str:
    return (json.dumps(value, ensure_ascii=False) if isinstance(value, list | Mapping) else text(value))[
        :MOST_SHOWN
    ]
