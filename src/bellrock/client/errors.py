"""What can go wrong between a client and a server.

BellrockError
└── ClientError      base
    ├── Unreachable  no answer: nobody there, or the connection broke
    ├── ApiError     the server said no; carries its status, code and message
    └── OddAnswer    an answer that is not Bellrock's
"""

from http import HTTPStatus

from bellrock.domain.errors import BellrockError


class ClientError(BellrockError):
    """Base of the client's errors."""


class Unreachable(ClientError):
    """No answer came. Whether the request was carried out is not known."""


class OddAnswer(ClientError):
    """The answer does not have the shape of Bellrock's API: probably another program's address."""


class ApiError(ClientError):
    """The server refused. ``message`` is the server's own sentence."""

    def __init__(self, message: str, *, status: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status

    @property
    def is_not_found(self) -> bool:
        """Whether the thing asked for does not exist."""
        return self.status == HTTPStatus.NOT_FOUND
