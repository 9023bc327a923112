"""JavaScript's ideas of values, which the contract's small languages rest on.

A value is None (null), `UNDEFINED`, a bool, an int or float, a str, a list or a dict, as JSON has them.
"""

import math
from enum import Enum
from typing import Final


class Undefined(Enum):
    """The type of `UNDEFINED`."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""What a name stands for that nothing has."""

_LARGEST_PLAIN = 1e21
_SMALLEST_PLAIN = 1e-6
_PLAIN_EXPONENT = 21


def is_truthy(value: object) -> bool:
    """Whether ``if (value)`` takes its first branch. Empty lists and objects are true."""
    if isinstance(value, list | dict):
        return True
    if value is UNDEFINED:
        return False
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def text(value: object) -> str:
    """``String(value)``."""
    match value:
        case None:
            return "null"
        case Undefined():
            return "undefined"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number_text(value)
        case list():
            return ",".join("" if each is None or each is UNDEFINED else text(each) for each in value)
        case dict():
            return "[object Object]"
    return str(value)


def number_text(number: float) -> str:
    """A number as JavaScript prints it: the shortest digits that are this number."""
    number = float(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == int(number) and abs(number) < _LARGEST_PLAIN:
        return str(int(number))
    mantissa, _, exponent = repr(number).partition("e")
    if abs(number) >= _SMALLEST_PLAIN:
        return mantissa if not exponent else _without_exponent(mantissa, int(exponent))
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.removeprefix("-").removesuffix(".0")
    return f"{sign}{digits}e{'+' if int(exponent) > 0 else '-'}{abs(int(exponent))}"


def _without_exponent(mantissa: str, exponent: int) -> str:
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    if exponent >= 0:
        if exponent > _PLAIN_EXPONENT - 1:
            return f"{sign}{whole}{'.' + fraction if fraction.strip('0') else ''}e+{exponent}"
        return f"{sign}{(whole + fraction).ljust(exponent + 1, '0')}"
    return f"{sign}0.{'0' * (-exponent - 1)}{whole}{'' if fraction == '0' else fraction}"


def number(value: object) -> float:
    """``Number(value)``; NaN where there is none."""
    match value:
        case None:
            return 0
        case bool():
            return int(value)
        case int() | float():
            return value
        case str():
            return _number_of_text(value.strip())
        case list() if len(value) <= 1:
            return number(text(value))
    return math.nan


def _number_of_text(digits: str) -> float:
    if not digits:
        return 0
    if digits[:2].lower() in ("0x", "0o", "0b"):
        try:
            return int(digits, 0)
        except ValueError:
            return math.nan
    if digits.lstrip("+-") == "Infinity":
        return -math.inf if digits.startswith("-") else math.inf
    if digits.lstrip("+-")[:1].isalpha() or "_" in digits:  # Python's own spellings: inf, nan, 1_000
        return math.nan
    try:
        return float(digits)
    except ValueError:
        return math.nan


def is_same(left: object, right: object) -> bool:
    """``left === right``. Lists and objects are only the same as themselves."""
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if _is_number(left) and _is_number(right):
        return left == right
    return type(left) is type(right) and left == right


def is_loosely_same(left: object, right: object) -> bool:
    """``left == right``."""
    nothing = (None, UNDEFINED)
    if left in nothing or right in nothing:
        return left in nothing and right in nothing
    if isinstance(left, list | dict) and isinstance(right, list | dict):
        return left is right
    if isinstance(left, list | dict):
        left = text(left)
    if isinstance(right, list | dict):
        right = text(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return number(left) == number(right)


def is_less(left: object, right: object) -> bool:
    """``left < right``: texts by their letters, everything else as numbers."""
    left, right = (text(each) if isinstance(each, list | dict) else each for each in (left, right))
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    return number(left) < number(right)


def type_name(value: object) -> str:
    """``typeof value``."""
    if isinstance(value, bool):
        return "boolean"
    if _is_number(value):
        return "number"
    if isinstance(value, str):
        return "string"
    return "undefined" if value is UNDEFINED else "object"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
