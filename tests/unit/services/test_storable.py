"""Which JSON may be kept."""

import pytest

from bellrock.services.storable import refuse_unstorable


def test_what_json_can_say_may_be_kept() -> None:
    refuse_unstorable({"a": [1, 2.5, None, True, "é 🦀", {"b": "c"}]})


def _nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"a": "b\x00"}, "NUL"),
        ({"a\x00": 1}, "NUL"),
        (["\ud800"], "surrogate"),
        ([float("nan")], "finite"),
        ([float("inf")], "finite"),
        (_nested(41), "deep"),
    ],
)
def test_what_no_database_or_client_could_take_is_refused(value: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        refuse_unstorable(value)
