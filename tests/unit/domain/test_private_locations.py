"""Private locations: their slugs, and what their queues were like."""

from datetime import UTC, datetime, timedelta

import pytest

from bellrock.domain.errors import Invalid
from bellrock.domain.private_locations import Wait, moments_between, queue_history, refuse_bad_slug

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize("slug", ["office", "Office-2", "a", "x" * 30, "my-eu-central-1", "us", "2"])
def test_a_slug_is_a_word_of_its_own(slug: str) -> None:
    refuse_bad_slug(slug)


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "x" * 31,
        "an office",
        "büro",
        "a_b",
        "a.b",
        "a\n",
        "eu-central-1",
        "us-gov-east-1",
        "ap-southeast-9x",
    ],
)
def test_a_slug_that_reads_like_a_region_or_is_no_word_is_refused(slug: str) -> None:
    with pytest.raises(Invalid, match="slugName"):
        refuse_bad_slug(slug)


def test_a_queue_holds_the_runs_that_waited_at_a_moment_and_the_age_of_the_first() -> None:
    waits = [Wait(at(3), None), Wait(at(0), at(4)), Wait(at(1), at(2))]
    history = queue_history(waits, [at(minute) for minute in range(6)])
    assert [each.size for each in history] == [1, 2, 1, 2, 1, 1]
    assert [each.oldest_s for each in history] == [0, 60, 120, 180, 60, 120]


def test_an_empty_queue_has_no_age() -> None:
    assert [(each.size, each.oldest_s) for each in queue_history([], [at(0), at(1)])] == [(0, 0), (0, 0)]


def test_moments_are_a_minute_apart_or_so_many_that_there_are_not_too_many() -> None:
    assert moments_between(at(0), at(2.5)) == (at(0), at(1), at(2))
    assert moments_between(at(0), at(0)) == (at(0),)
    assert moments_between(at(0), at(-1)) == ()
    many = moments_between(at(0), at(15 * 24 * 60), most=300)
    assert 250 < len(many) <= 301
    assert many[1] - many[0] == timedelta(minutes=72)
