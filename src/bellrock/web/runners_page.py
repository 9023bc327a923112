"""What the page of runners says: who serves which location, what contains their runs, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from bellrock.services.views import RunnerView
from bellrock.web.words import Badge

CONNECTED = Badge("Connected", "good", "circle-check")
GONE = Badge("Gone", "idle", "unplug")
_GONE_SHOWN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A location that a runner serves, and how many of its slots are busy."""

    location: str
    busy_slots: int
    slots: int


@dataclass(frozen=True, slots=True)
class RunnerCard:
    """One runner process with all its locations."""

    id: str
    element_id: str
    badge: Badge
    connected: bool
    version: str
    places: tuple[Place, ...]
    isolation: str
    guarantees: tuple[str, ...]
    leftover_processes: int
    orphans_swept: int
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class RunnersPage:
    """The cards, connected runners first, and what needs a person."""

    cards: tuple[RunnerCard, ...]
    connected: int
    leftover_processes: int
    unserved: tuple[str, ...]


def build(views: Sequence[RunnerView], *, at: datetime) -> RunnersPage:
    """Put the page together. Runners gone for an hour are left out where others serve their locations."""
    served = {view.location for view in views if view.connected}
    unserved = {view.location for view in views} - served
    shown = [
        view
        for view in views
        if view.connected or view.location in unserved or at - view.seen_at < _GONE_SHOWN
    ]
    by_runner: dict[str, list[RunnerView]] = {}
    for view in shown:
        by_runner.setdefault(view.runner_id, []).append(view)
    cards = sorted((_card(places) for places in by_runner.values()), key=_order)
    return RunnersPage(
        cards=tuple(cards),
        connected=sum(card.connected for card in cards),
        leftover_processes=sum(card.leftover_processes for card in cards if card.connected),
        unserved=tuple(sorted(unserved)),
    )


def _card(places: Sequence[RunnerView]) -> RunnerCard:
    newest = max(places, key=lambda place: place.seen_at)
    connected = any(place.connected for place in places)
    return RunnerCard(
        id=newest.runner_id,
        # A digest, since a runner names itself and a selector takes few characters.
        element_id=f"runner-{blake2b(newest.runner_id.encode(), digest_size=8).hexdigest()}",
        badge=CONNECTED if connected else GONE,
        connected=connected,
        version=newest.version,
        places=tuple(Place(place.location, place.busy_slots, place.slots) for place in places),
        isolation=newest.isolation,
        guarantees=_sentences(newest.guarantees),
        leftover_processes=sum(place.leftover_processes for place in places),
        orphans_swept=newest.orphans_swept,
        started_at=newest.started_at,
        seen_at=newest.seen_at,
    )


def _sentences(text: str) -> tuple[str, ...]:
    return tuple(f"{sentence.rstrip('.')}." for sentence in text.split(". ") if sentence.strip())


def _order(card: RunnerCard) -> tuple[bool, str | float, str]:
    if card.connected:
        return (False, card.places[0].location, card.id)
    return (True, -card.seen_at.timestamp(), card.id)
