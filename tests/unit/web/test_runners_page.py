"""What the page of runners shows, and what it leaves out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bellrock.services.views import RunnerView
from bellrock.web.runners_page import build

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def view(runner: str, location: str, *, gone_min: float = 0, **changes: Any) -> RunnerView:
    fields: dict[str, Any] = {
        "runner_id": runner,
        "location": location,
        "version": "1",
        "slots": 2,
        "busy_slots": 1,
        "isolation": "bubblewrap",
        "guarantees": "Nothing escapes. Nothing is seen",
        "leftover_processes": 0,
        "orphans_swept": 0,
        "started_at": NOW - timedelta(days=1),
        "seen_at": NOW - timedelta(minutes=gone_min),
        "connected": not gone_min,
    }
    return RunnerView(**(fields | changes))


def test_a_runner_with_two_locations_is_one_card() -> None:
    page = build([view("a", "here", leftover_processes=1), view("a", "there", leftover_processes=2)], at=NOW)
    (card,) = page.cards
    assert [place.location for place in card.places] == ["here", "there"]
    assert (card.leftover_processes, page.leftover_processes, page.connected) == (3, 3, 1)
    assert card.guarantees == ("Nothing escapes.", "Nothing is seen.")


def test_a_runner_gone_for_an_hour_is_left_out_where_another_serves_its_location() -> None:
    page = build([view("a", "here"), view("b", "here", gone_min=59), view("c", "here", gone_min=61)], at=NOW)
    assert [card.id for card in page.cards] == ["a", "b"]
    assert page.unserved == ()


def test_the_last_runner_of_a_location_is_shown_however_long_it_is_gone() -> None:
    page = build([view("a", "here"), view("b", "there", gone_min=5_000)], at=NOW)
    assert [(card.id, card.connected) for card in page.cards] == [("a", True), ("b", False)]
    assert page.unserved == ("there",)


def test_what_a_gone_runner_left_is_not_known_and_not_counted() -> None:
    page = build([view("a", "here", gone_min=5, leftover_processes=4)], at=NOW)
    assert page.leftover_processes == 0


def test_connected_runners_come_first_and_then_who_was_heard_of_last() -> None:
    seen = [view("old", "b", gone_min=50), view("new", "c", gone_min=5), view("z", "d"), view("y", "e")]
    assert [card.id for card in build(seen, at=NOW).cards] == ["z", "y", "new", "old"]


def test_a_runner_may_call_itself_what_it_likes() -> None:
    (card,) = build([view('x"> #y .z', "here")], at=NOW).cards
    assert card.element_id.removeprefix("runner-").isalnum()
