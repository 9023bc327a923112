"""The names of NATS subjects. Locations and ids are single tokens (checked by `token`)."""

import re
from uuid import UUID

STREAM = "RUNS"
CONTROL_QUEUE = "control"
RUNNERS_QUEUE = "runners"

_TOKEN = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


def token(text: str) -> str:
    """The text, if it can stand as one part of a subject; ValueError otherwise."""
    if not _TOKEN.match(text):
        message = f"{text!r} cannot be part of a subject: use 1 to 64 letters, digits, '-' and '_'"
        raise ValueError(message)
    return text


def dispatch(location: str) -> str:
    """Where runs of a location are offered (JetStream work queue)."""
    return f"runs.{token(location)}"


def ticks(location: str) -> str:
    """Where batches of monitors' ticks are offered to the runners of a location."""
    return f"ticks.{token(location)}"


def consumer(location: str) -> str:
    """The durable pull consumer's name of a location."""
    return f"runners-{token(location)}"


def rpc(verb: str, location: str) -> str:
    """Where runners of a location ask the control plane: claim, heartbeat, report, evidence, hello."""
    return f"rpc.{verb}.{token(location)}"


def cancel(location: str, run_id: UUID | str) -> str:
    """Where the runner that has the run listens for its cancel."""
    return f"cancel.{token(location)}.{run_id}"


def replay(location: str, run_id: UUID | str) -> str:
    """Where the runner that has the run answers for events that somebody missed."""
    return f"replay.{token(location)}.{run_id}"


def live(location: str, session_id: UUID | str, run_id: UUID | str) -> str:
    """Where the runner publishes a run's live events."""
    return f"live.{token(location)}.{session_id}.{run_id}"


def live_of(location: str) -> str:
    """All that runners of a location publish."""
    return f"live.{token(location)}.>"


def inbox(location: str) -> str:
    """Where answers to a runner go that has nothing but its location's key."""
    return f"_INBOX_{token(location)}"


def announce(account_id: UUID | str, session_id: UUID | str) -> str:
    """Where the control plane tells itself that a run of a session changed."""
    return f"announce.{account_id}.{session_id}"
