"""Every error a caller can act on.

    BellrockError
    ├── Invalid          the request says something that is not allowed; names the field
    ├── Unauthenticated  no key, or one that is not good
    ├── Forbidden        the key is good, the right is missing
    ├── NotFound         no such thing in this account
    ├── Conflict         the thing is in a state that does not allow this
    ├── TooLarge         more bytes than the limit
    ├── TooManyRequests  over the rate limit
    └── NotBuilt         part of the contract, not of this version

The class decides the HTTP status in one place (``bellrock.api.errors``).
"""


class BellrockError(Exception):
    """Base of all errors raised on purpose. ``message`` is meant for the person who asked."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Invalid(BellrockError):
    """The request is malformed: the message names the field and what is allowed."""


class Unauthenticated(BellrockError):
    """The request carries no usable credentials."""


class Forbidden(BellrockError):
    """The credentials are good, but do not include the right that is needed."""


class NotFound(BellrockError):
    """There is no such thing in the caller's account."""


class Conflict(BellrockError):
    """The thing exists, in a state that does not allow the request."""


class TooLarge(BellrockError):
    """The body is larger than the limit, which the message states in bytes."""


class TooManyRequests(BellrockError):
    """The account is over its rate limit. ``retry_after_s`` says when to come back."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, code="RATE_LIMITED")
        self.retry_after_s = retry_after_s


class NotBuilt(BellrockError):
    """The contract has this, this version of Bellrock does not."""
