"""What Pydantic found wrong, in words for people who do not write Python."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_WORDS = {
    "tuple_type": "Input should be a list",
    "list_type": "Input should be a list",
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "dict_type": "Input should be an object",
    "bool_parsing": "Input should be true or false",
    "bool_type": "Input should be true or false",
    "int_parsing": "Input should be a whole number",
    "int_type": "Input should be a whole number",
    "int_from_float": "Input should be a whole number",
}


def in_words(problem: Mapping[str, Any]) -> str:
    """What is allowed, of one entry of a validation error's ``errors()``; without the field's name."""
    return _WORDS.get(problem["type"]) or str(problem["msg"]).removeprefix("Value error, ")


def first_problem(error: ValidationError) -> str:
    """The first problem, as a sentence that begins with the field's path."""
    problem: Any = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    said = in_words(problem)
    return f"{field}: {said}." if field else f"{said}."
