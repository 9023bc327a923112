"""Templates render as the original library renders them, and where not, for a reason."""

from typing import Any

import pytest

from bellrock.expressions.handlebars import TemplateError, render
from tests.golden.conftest import NOW
from tests.golden.handlebars_cases import CASES, VALUES, Case

pytestmark = pytest.mark.xdist_group("golden")


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.template for case in CASES])
def test_a_template_means_what_the_original_makes_of_it(
    originals: dict[str, list[dict[str, Any]]], number: int
) -> None:
    case, original = CASES[number], originals["templates"][number]
    if case.expected is not None:
        assert original.get("is") != case.expected, "there is no difference any more"
        assert _rendered(case) == case.expected, case.reason
    elif "error" in original:
        with pytest.raises(TemplateError):
            _rendered(case)
    else:
        assert _rendered(case) == original["is"], case.reason


def _rendered(case: Case) -> str:
    return render(case.template, case.values, at=NOW, chance=lambda _: 0)


def test_uuids_and_random_numbers_come_from_the_given_chance() -> None:
    def chance(below: int) -> int:
        return below - 1

    assert render("{{$RANDOM_NUMBER}}", {}, at=NOW, chance=chance) == "10000"
    assert render("{{$UUID}}", {}, at=NOW, chance=chance) == "ffffffff-ffff-4fff-bfff-ffffffffffff"


def test_an_error_says_where_it_is() -> None:
    with pytest.raises(TemplateError, match=r"Line 2, column 3: .* is never closed"):
        render("a\nb {{#if YES}}", VALUES, at=NOW, chance=lambda _: 0)


@pytest.mark.parametrize(
    "template",
    [
        "{{#if YES}}" * 60 + "{{/if}}" * 60,
        "{{" + "(not " * 60 + "YES" + ")" * 60 + "}}",
        "{{#each L}}" * 8 + "x" * 100 + "{{/each}}" * 8,
    ],
    ids=["blocks in blocks", "expressions in expressions", "loops in loops"],
)
def test_a_template_cannot_grow_without_bound(template: str) -> None:
    values = {"YES": True, "L": [{"L": None}] * 30}
    values["L"] = [values] * 30
    with pytest.raises(TemplateError):
        render(template, values, at=NOW, chance=lambda _: 0)


@pytest.mark.parametrize(
    "date", ["1" + "0" * 30, "-" + "9" * 17, '"0001-01-01T00:00:00+05:00"', '"99999-01-01"']
)
def test_a_date_that_no_calendar_has_is_said_to_be_one(date: str) -> None:
    with pytest.raises(TemplateError, match="not understood"):
        render("{{moment " + date + " 'YYYY'}}", {}, at=NOW, chance=lambda _: 0)


def test_the_first_date_that_there_is_has_a_stamp() -> None:
    assert render("{{moment '0001-01-01' 'X'}}", {}, at=NOW, chance=lambda _: 0).startswith("-621355")
