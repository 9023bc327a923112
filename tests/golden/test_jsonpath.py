"""Paths find what the original library finds, and where not, what RFC 9535 says."""

from typing import Any

import pytest

from bellrock.expressions.jsonpath import MOST_VALUES, PathError, find
from tests.golden.jsonpath_cases import BAD_PATHS, PATH_CASES, STORE

pytestmark = pytest.mark.xdist_group("golden")


@pytest.mark.parametrize("number", range(len(PATH_CASES)), ids=[case.reason for case in PATH_CASES])
def test_a_path_finds_what_the_original_finds(
    originals: dict[str, list[dict[str, Any]]], number: int
) -> None:
    case, original = PATH_CASES[number], originals["paths"][number]
    if case.expected is None:
        assert find(case.path, case.value) == original["is"], case.reason
    else:
        assert original.get("is") != case.expected, "there is no difference any more"
        assert find(case.path, case.value) == case.expected, case.reason


@pytest.mark.parametrize(("path", "reason"), BAD_PATHS, ids=[reason for _, reason in BAD_PATHS])
def test_a_path_that_cannot_be_read_is_an_error(path: str, reason: str) -> None:
    with pytest.raises(PathError):
        find(path, STORE)


def test_a_path_cannot_yield_without_bound() -> None:
    with pytest.raises(PathError, match=str(MOST_VALUES)):
        find("$..*", [[0] * 200] * 100)
