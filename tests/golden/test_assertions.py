"""Every comparison, for every kind of value: what holds, and what does not."""

import pytest

from bellrock.domain.specs import Assertion
from bellrock.expressions.assertions import (
    COMPARISONS,
    MOST_SHOWN,
    AssertionUnusable,
    check_values,
    first_group,
)

NOTHING: list[object] = []

CASES = [
    # comparison, target, values, holds, reason
    ("EQUALS", "200", [200], True, "a number and its digits"),
    ("EQUALS", "200", [201], False, "another number"),
    ("EQUALS", "1.0", [1], True, "the same number written otherwise"),
    ("EQUALS", "1e3", [1000], True, "the same number as a power"),
    ("EQUALS", "1", ["01"], False, "texts are equal letter by letter"),
    ("EQUALS", "abc", ["abc"], True, "a text"),
    ("EQUALS", "abc", ["ABC"], False, "case counts"),
    ("EQUALS", "abc", ["abc "], False, "space counts"),
    ("EQUALS", "", [""], True, "two empty texts"),
    ("EQUALS", "", [0], False, "nothing is not zero"),
    ("EQUALS", "true", [True], True, "true and its word"),
    ("EQUALS", "1", [True], False, "true is no number"),
    ("EQUALS", "false", [False], True, "false and its word"),
    ("EQUALS", "null", [None], True, "null and its word"),
    ("EQUALS", "a,b", [["a", "b"]], True, "a list as JavaScript writes it"),
    ("EQUALS", "x", NOTHING, False, "nothing equals nothing"),
    ("EQUALS", "1", [1, 1, 1], True, "many values, all equal"),
    ("EQUALS", "1", [1, 2, 1], False, "one of many is not"),
    ("NOT_EQUALS", "200", [500], True, "another number"),
    ("NOT_EQUALS", "200", [200], False, "the same number"),
    ("NOT_EQUALS", "x", NOTHING, True, "what is not there is different"),
    ("NOT_EQUALS", "1", [1, 2], False, "one of many is equal"),
    ("GREATER_THAN", "10", [11], True, "more"),
    ("GREATER_THAN", "10", [10], False, "as much is not more"),
    ("GREATER_THAN", "10", ["11"], True, "digits in a text are a number"),
    ("GREATER_THAN", "9", ["10"], True, "and not letters to compare"),
    ("GREATER_THAN", "10", ["many"], False, "a word is no number"),
    ("GREATER_THAN", "0", [None], False, "null is no number"),
    ("GREATER_THAN", "0", [True], False, "true is no number"),
    ("GREATER_THAN", "0", NOTHING, False, "nothing is no number"),
    ("GREATER_THAN", "-1", [0], True, "below zero"),
    ("GREATER_THAN", "8", [8.95, 12.99], True, "all of many"),
    ("LESS_THAN", "500", [499.9], True, "less"),
    ("LESS_THAN", "500", [500], False, "as much is not less"),
    ("LESS_THAN", "10", [8.95, 12.99], False, "one of many is not less"),
    ("LESS_THAN", "10", [""], False, "an empty text is no number"),
    ("CONTAINS", "ell", ["hello"], True, "part of a text"),
    ("CONTAINS", "ELL", ["hello"], False, "case counts"),
    ("CONTAINS", "", ["hello"], True, "every text holds nothing"),
    ("CONTAINS", "2", [[1, 2, 3]], True, "an item of a list"),
    ("CONTAINS", "12", [[1, 2, 3]], False, "not a part of its text"),
    ("CONTAINS", "a", [{"a": 1}], True, "a key of an object"),
    ("CONTAINS", "20", [1200], True, "digits of a number"),
    ("CONTAINS", "x", NOTHING, False, "nothing holds nothing"),
    ("NOT_CONTAINS", "x", ["hello"], True, "no part of it"),
    ("NOT_CONTAINS", "h", ["hello"], False, "a part of it"),
    ("NOT_CONTAINS", "x", NOTHING, True, "nothing holds nothing"),
    ("HAS_KEY", "a", [{"a": None}], True, "a key, whatever its value"),
    ("HAS_KEY", "b", [{"a": 1}], False, "another key"),
    ("HAS_KEY", "1", [["x", "y"]], True, "a list has its indexes"),
    ("HAS_KEY", "2", [["x", "y"]], False, "and no more"),
    ("HAS_KEY", "a", ["a"], False, "a text has none"),
    ("NOT_HAS_KEY", "b", [{"a": 1}], True, "another key"),
    ("NOT_HAS_KEY", "a", [{"a": 1}], False, "that key"),
    ("NOT_HAS_KEY", "a", NOTHING, True, "nothing has no key"),
    ("HAS_VALUE", "1", [{"a": 1}], True, "a value of an object"),
    ("HAS_VALUE", "a", [{"a": 1}], False, "a key is no value"),
    ("HAS_VALUE", "y", [["x", "y"]], True, "an item of a list"),
    ("HAS_VALUE", "x", ["x"], False, "a text has none"),
    ("NOT_HAS_VALUE", "2", [{"a": 1}], True, "another value"),
    ("NOT_HAS_VALUE", "1", [[1]], False, "that value"),
    ("IS_EMPTY", "", [""], True, "an empty text"),
    ("IS_EMPTY", "", [[]], True, "an empty list"),
    ("IS_EMPTY", "", [{}], True, "an empty object"),
    ("IS_EMPTY", "", [None], True, "null"),
    ("IS_EMPTY", "", NOTHING, True, "what is not there"),
    ("IS_EMPTY", "", [0], False, "zero is something"),
    ("IS_EMPTY", "", [" "], False, "so is space"),
    ("NOT_EMPTY", "", ["x"], True, "a text"),
    ("NOT_EMPTY", "", [[]], False, "an empty list"),
    ("NOT_EMPTY", "", NOTHING, False, "what is not there"),
    ("NOT_EMPTY", "", [False], True, "false is something"),
    ("IS_NULL", "", [None], True, "null"),
    ("IS_NULL", "", [""], False, "an empty text is not null"),
    ("IS_NULL", "", NOTHING, True, "what is not there"),
    ("NOT_NULL", "", [0], True, "zero"),
    ("NOT_NULL", "", [None], False, "null"),
    ("NOT_NULL", "", NOTHING, False, "what is not there"),
    ("NOT_NULL", "", [1, None], False, "one of many is null"),
]


@pytest.mark.parametrize(("comparison", "target", "values", "holds", "reason"), CASES)
def test_a_comparison_holds_or_says_why_not(
    comparison: str, target: str, values: list[object], reason: str, *, holds: bool
) -> None:
    result = check_values(Assertion("JSON_BODY", comparison, target, "$.a"), values, subject="$.a")
    assert (result.error is None) is holds, reason
    if result.error is not None:
        assert result.error.startswith("$.a ")


def test_every_comparison_of_the_contract_is_tried() -> None:
    assert {case[0] for case in CASES} == COMPARISONS


def test_an_assertion_that_cannot_be_checked_is_no_failure_of_the_target() -> None:
    for comparison, target in (("GREATER_THAN", "ten"), ("LESS_THAN", ""), ("ROUGHLY", "1")):
        with pytest.raises(AssertionUnusable):
            check_values(Assertion("STATUS_CODE", comparison, target), [200], subject="The status code")


def test_a_long_value_is_kept_in_part() -> None:
    result = check_values(Assertion("TEXT_BODY", "EQUALS", "x"), ["y" * 100_000], subject="The body")
    assert result.actual is not None
    assert len(result.actual) == MOST_SHOWN
    assert result.error is not None
    assert len(result.error) < 500


@pytest.mark.parametrize(
    ("pattern", "whole", "found", "reason"),
    [
        (r"id=(\d+)", "a id=42 b id=43", ["42"], "the first group of the first match"),
        (r"\d+", "a 42", ["42"], "without groups, the match"),
        (r"(a)|(b)", "b", [], "a group that took no part"),
        (r"x", "abc", [], "no match"),
        (r"^b", "a\nb", [], "the start is the very start"),
        (r"a$", "a\n", [], "the end is the very end"),
        (r"[^]b", "a\nb", ["\nb"], "anything, line ends too"),
        (r"[$]", "a$", ["$"], "a dollar in brackets is one"),
        (r"[[]x", "[x", ["[x"], "a bracket in brackets is one"),
        (r"\$\d", "a$5", ["$5"], "an escaped dollar is one"),
        (r"(?<year>\d{4})-", "in 2026-11", ["2026"], "a named group"),
        (r"\w+", "äöü abc", ["abc"], "letters of words are ASCII"),
        (r"a.c", "a\nc", [], "a dot ends at the line"),
    ],
)
def test_a_pattern_means_what_it_means_in_javascript(
    pattern: str, whole: str, found: list[str], reason: str
) -> None:
    assert first_group(pattern, whole) == found, reason


@pytest.mark.parametrize("pattern", ["(", "[a", "(a|aa)+$"], ids=["no end", "no bracket", "exponential"])
def test_a_pattern_that_cannot_be_used_is_the_checks_fault(pattern: str) -> None:
    with pytest.raises(AssertionUnusable):
        first_group(pattern, "a" * 40 + "b")
