"""What the rest of Bellrock needs of a message bus, and nothing of how NATS does it.

The bus moves hints and signals. Nothing that must not be lost is kept only here: an offer may come
twice, late or never, a published message may reach nobody. Truth is in the database.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

Handler = Callable[[str, bytes], Awaitable[bytes | None]]
"""Gets subject and body. A returned body answers the request, None leaves it unanswered."""

ReconnectCallback = Callable[[], Awaitable[None]]


class BusError(Exception):
    """The bus could not do what was asked. Trying again later may help."""


class TooLarge(BusError):
    """The message is larger than what the bus carries. Trying again does not help."""


class NobodyListening(BusError):
    """A request was made on a subject that nobody subscribes to. Known at once, without a wait."""


class Subscription(Protocol):
    """A standing interest in a subject."""

    async def close(self) -> None:
        """End it. Messages that are being handled are not interrupted. Twice is harmless."""


class Offer(Protocol):
    """A message taken from a location's work queue and not yet acknowledged."""

    @property
    def body(self) -> bytes:
        """What was offered."""

    @property
    def deliveries(self) -> int:
        """How often this message was handed out, this time included."""

    async def ack(self) -> None:
        """Take the message off the queue. It is redelivered after the queue's wait otherwise."""


class Bus(Protocol):
    """A connection to the bus. Made by its implementation's ``connect``, shared by a whole process."""

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""

    @property
    def most_bytes(self) -> int:
        """How large a message may be, an answer too."""

    async def publish(self, subject: str, body: bytes) -> None:
        """Send to whoever subscribes now. Nobody may.

        :raises TooLarge: at once, for more than ``most_bytes``.
        :raises BusError: the connection is down or closed (nothing is kept for later).
        """

    async def request(self, subject: str, body: bytes, *, timeout_s: float) -> bytes:
        """Send, and wait for one answer.

        :raises NobodyListening: at once, where there is no subscriber.
        :raises TimeoutError: no answer in time. The request may have been carried out.
        :raises TooLarge: at once, for more than ``most_bytes``.
        :raises BusError: the connection is down or closed.
        """

    async def subscribe(self, subject: str, handler: Handler, *, queue: str | None = None) -> Subscription:
        """Call ``handler`` for each message on ``subject`` (``*`` is one token, a last ``>`` the rest).

        Messages are handled concurrently, so that a slow one holds up nobody. Of all subscriptions
        with the same ``queue`` one gets each message. The subscription survives reconnects. An
        exception of the handler is logged, and the asker runs into its deadline.
        """

    async def offer(self, location: str, body: bytes, *, message_id: str) -> None:
        """Put a message on the location's work queue, durably, unless ``message_id`` was just put there.

        Retried for some seconds over a lost connection.

        :raises BusError: it is not known to be stored. Offer it again, with the same id.
        """

    async def prepare_queue(self, location: str) -> None:
        """Make sure that there is a work queue of the location, for runners that may make none.

        :raises BusError: it cannot be known whether there is one.
        """

    async def next_offer(self, location: str, *, timeout_s: float) -> Offer | None:
        """Take one message off the location's work queue, waiting at most ``timeout_s``.

        None where there was none, or where the connection was down or renewed in between: ask again.

        :raises BusError: the bus was closed.
        """

    async def pending_offers(self, location: str) -> int:
        """How many messages of the location wait or are handed out and unacknowledged.

        :raises BusError: the server did not answer.
        """

    async def check(self, *, timeout_s: float) -> None:
        """Prove that the server answers, and has seen all that was sent before.

        :raises BusError: it did not, in that time.
        """

    def on_reconnect(self, callback: ReconnectCallback) -> None:
        """Have ``callback`` called after each lost and renewed connection."""

    async def close(self) -> None:
        """End subscriptions and connection. Afterwards everything else raises BusError."""
