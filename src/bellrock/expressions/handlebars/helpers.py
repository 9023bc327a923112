"""The functions that templates may use: Handlebars' own, and those that the contract adds."""

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bellrock.expressions.handlebars.dates import moment
from bellrock.expressions.handlebars.rendering import Helper, Use, each, part_of
from bellrock.expressions.handlebars.syntax import TemplateError
from bellrock.expressions.javascript import (
    UNDEFINED,
    is_less,
    is_loosely_same,
    is_same,
    is_truthy,
    number,
    text,
    type_name,
)

LARGEST_RANDOM_NUMBER = 10_000
_FALSE_WORDS = frozenset(
    [
        "0",
        "false",
        "nada",
        "nil",
        "nay",
        "nah",
        "negative",
        "no",
        "none",
        "nope",
        "nul",
        "null",
        "nix",
        "nyet",
        "uh-uh",
        "veto",
        "zero",
    ]
)


Chance = Callable[[int], int]
"""A whole number from 0 up to, and without, the argument."""


def make_helpers(now: datetime, chance: Chance) -> dict[str, Helper]:
    """All helpers. ``now`` must know its time zone; dates are shown in it."""
    comparisons = {name: _comparison(compare) for name, compare in _COMPARISONS.items()}
    negated = {name: _comparison(compare, negated=True) for name, compare in _UNLESS.items()}
    return {
        **comparisons,
        **negated,
        **_OTHERS,
        "$UUID": lambda _, __: str(uuid.UUID(int=chance(1 << 128), version=4)),
        "$RANDOM_NUMBER": lambda _, __: chance(LARGEST_RANDOM_NUMBER + 1),
        "moment": lambda arguments, _: moment(arguments, now),
        "date": lambda arguments, _: moment(arguments, now),
        "year": lambda arguments, _: _year(arguments, now),
    }


def _comparison(compare: Callable[[object, object], bool], *, negated: bool = False) -> Helper:
    def helper(arguments: Sequence[object], use: Use) -> object:
        left = arguments[0] if arguments else UNDEFINED
        right = arguments[1] if len(arguments) > 1 else use.named.get("compare", UNDEFINED)
        return use.choose(compare(left, right) is not negated)

    return helper


def _not_above(left: object, right: object) -> bool:
    return is_less(left, right) or _equal_in_order(left, right)


def _equal_in_order(left: object, right: object) -> bool:
    both_texts = isinstance(left, str) and isinstance(right, str)
    return left == right if both_texts else number(left) == number(right)


def _above(left: object, right: object) -> bool:
    return is_less(right, left)


def _not_below(left: object, right: object) -> bool:
    return _not_above(right, left)


_COMPARISONS: dict[str, Callable[[object, object], bool]] = {
    "eq": is_same,
    "ifEq": is_same,
    "ne": lambda left, right: not is_same(left, right),
    "is": is_loosely_same,
    "isnt": lambda left, right: not is_loosely_same(left, right),
    "lt": is_less,
    "lte": _not_above,
    "gt": _above,
    "gte": _not_below,
    "neither": lambda left, right: not is_truthy(left) and not is_truthy(right),
}
_UNLESS: dict[str, Callable[[object, object], bool]] = {
    "unlessEq": is_same,
    "unlessGt": _above,
    "unlessLt": is_less,
    "unlessGteq": _not_below,
    "unlessLteq": _not_above,
}
_OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "==": is_loosely_same,
    "===": is_same,
    "!=": lambda left, right: not is_loosely_same(left, right),
    "!==": lambda left, right: not is_same(left, right),
    "<": is_less,
    ">": _above,
    "<=": _not_above,
    ">=": _not_below,
    "typeof": lambda left, right: type_name(left) == right,
}


def _if(arguments: Sequence[object], use: Use) -> object:
    return _branch(arguments, use, name="if", negated=False)


def _unless(arguments: Sequence[object], use: Use) -> object:
    return _branch(arguments, use, name="unless", negated=True)


def _branch(arguments: Sequence[object], use: Use, *, name: str, negated: bool) -> object:
    if len(arguments) != 1:
        raise TemplateError(f"{name} needs one value.")
    value = arguments[0]
    counts = is_truthy(value) and value != []
    if value == 0 and not isinstance(value, bool) and is_truthy(use.named.get("includeZero", False)):
        counts = True
    return use.choose(counts is not negated) if use.is_block else UNDEFINED


def _with(arguments: Sequence[object], use: Use) -> object:
    if len(arguments) != 1 or use.body is None or use.otherwise is None:
        raise TemplateError("with needs one value and a body.")
    value = arguments[0]
    if not is_truthy(value) and value != 0:
        return use.otherwise(use.scope)
    if value == []:
        return use.otherwise(use.scope)
    return use.body(use.scope.inside(value, names=dict(zip(use.names, (value,), strict=False))))


def _lookup(arguments: Sequence[object], _use: Use) -> object:
    value, key = (*arguments, UNDEFINED, UNDEFINED)[:2]
    return value if value is None or value is UNDEFINED else part_of(value, text(key))


def _and(arguments: Sequence[object], use: Use) -> object:
    return use.choose(all(is_truthy(value) for value in arguments))


def _or(arguments: Sequence[object], use: Use) -> object:
    return use.choose(any(is_truthy(value) for value in arguments))


def _not(arguments: Sequence[object], use: Use) -> object:
    return use.choose(not is_truthy(_first(arguments)))


def _compare(arguments: Sequence[object], use: Use) -> object:
    if len(arguments) != len(("left", "operator", "right")):
        raise TemplateError("compare needs a value, an operator and another value.")
    left, operator, right = arguments
    compare = _OPERATORS.get(text(operator))
    if compare is None:
        raise TemplateError(f"compare knows {', '.join(_OPERATORS)}, and not {text(operator)!r}.")
    return use.choose(compare(left, right))


def _contains(arguments: Sequence[object], use: Use) -> object:
    whole, part = (*arguments, UNDEFINED, UNDEFINED)[:2]
    start = arguments[2] if len(arguments) > 2 else 0  # noqa: PLR2004 - the third argument
    return use.choose(_holds(whole, part, int(number(start))))


def _holds(whole: object, part: object, start: int) -> bool:
    if part is None or part is UNDEFINED:
        return False
    if isinstance(whole, str):
        return text(part) in whole[max(start, 0) :]
    return isinstance(whole, list) and any(is_same(each, part) for each in whole[start:])


def _has(arguments: Sequence[object], use: Use) -> object:
    if len(arguments) < len(("whole", "part")):
        return use.choose(value=False)
    whole, part = arguments[0], arguments[1]
    if not isinstance(part, str):
        found = False
    elif isinstance(whole, list | str):
        found = part in whole
    else:
        found = isinstance(whole, Mapping) and part in whole
    return use.choose(found)


def _is_falsey(value: object) -> bool:
    if not is_truthy(value):
        return True
    return isinstance(value, str) and value.lower() in _FALSE_WORDS


def _parity(wanted: int, name: str) -> Helper:
    def helper(arguments: Sequence[object], use: Use) -> object:
        value = number(_first(arguments))
        if math.isnan(value) or value != int(value):
            raise TemplateError(f"{name} needs a whole number.")
        return use.choose(int(abs(value)) % 2 == wanted)

    return helper


def _nth(arguments: Sequence[object], use: Use) -> object:
    step, value = (number(each) for each in (*arguments, UNDEFINED, UNDEFINED)[:2])
    return use.choose(step != 0 and not math.isnan(step + value) and value % step == 0)


def _default(arguments: Sequence[object], _use: Use) -> object:
    return next((each for each in arguments if each is not None and each is not UNDEFINED), "")


def _split(arguments: Sequence[object], _use: Use) -> object:
    whole, separator, index = (*arguments, UNDEFINED, UNDEFINED, UNDEFINED)[:3]
    if not isinstance(whole, str):
        raise TemplateError("split needs a text.")
    if not isinstance(separator, str):
        parts = [whole]
    else:
        parts = whole.split(separator) if separator else list(whole)
    return parts if index is UNDEFINED or index == -1 else part_of(parts, text(index))


def _tag_value(arguments: Sequence[object], _use: Use) -> object:
    """Of tags like `team:web` or `team=web` the part after the key."""
    tags, key, otherwise = (*arguments, UNDEFINED, UNDEFINED, UNDEFINED)[:3]
    name = _word(key)
    starts = (name,) if name.endswith((":", "=")) else (f"{name}:", f"{name}=")
    for tag in tags if isinstance(tags, list) and name else []:
        for start in starts:
            if isinstance(tag, str) and tag.startswith(start):
                return tag[len(start) :]
    return _word(otherwise)


def _starts_with(arguments: Sequence[object], use: Use) -> object:
    whole, start = (*arguments, UNDEFINED, UNDEFINED)[:2]
    return use.choose(_word(whole).startswith(_word(start)))


def _replace(arguments: Sequence[object], _use: Use) -> object:
    whole, old, new = (*arguments, UNDEFINED, UNDEFINED, UNDEFINED)[:3]
    return _word(whole).replace(_word(old), _word(new), 1)


def _year(arguments: Sequence[object], now: datetime) -> str:
    return f"{now.year % 100:02d}" if _first(arguments) in (2, "2") else str(now.year)


def _word(value: object) -> str:
    return "" if value is None or value is UNDEFINED else text(value)


def _first(arguments: Sequence[object]) -> object:
    return arguments[0] if arguments else UNDEFINED


_OTHERS: dict[str, Helper] = {
    "if": _if,
    "unless": _unless,
    "each": each,
    "with": _with,
    "lookup": _lookup,
    "log": lambda _, __: UNDEFINED,
    "and": _and,
    "or": _or,
    "not": _not,
    "compare": _compare,
    "contains": _contains,
    "has": _has,
    "isFalsey": lambda arguments, use: use.choose(_is_falsey(_first(arguments))),
    "isTruthy": lambda arguments, use: use.choose(not _is_falsey(_first(arguments))),
    "ifEven": _parity(0, "ifEven"),
    "ifOdd": _parity(1, "ifOdd"),
    "ifNth": _nth,
    "default": _default,
    "split": _split,
    "tagValue": _tag_value,
    "startsWith": _starts_with,
    "replace": _replace,
}
