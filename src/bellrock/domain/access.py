"""Who may do what: roles, the rights they carry, and the principal behind a request."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from bellrock.domain.errors import Forbidden


class Role(StrEnum):
    """What an API key may do, from most to least."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    READ_WRITE = "READ_WRITE"
    READ_RUN = "READ_RUN"
    READ_ONLY = "READ_ONLY"


class Right(StrEnum):
    """A thing a request needs to be allowed."""

    VIEW = "view"
    RUN = "run"
    EDIT = "edit"
    ADMINISTER = "administer"


_LEAST_ROLE = {
    Right.VIEW: Role.READ_ONLY,
    Right.RUN: Role.READ_RUN,
    Right.EDIT: Role.READ_WRITE,
    Right.ADMINISTER: Role.ADMIN,
}
_RANK = {role: rank for rank, role in enumerate(reversed(Role))}


class KeyKind(StrEnum):
    """User keys act as a person, service keys as a machine bound to one account."""

    USER = "user"
    SERVICE = "service"

    @property
    def prefix(self) -> str:
        """The first characters of a key of this kind."""
        return "cu_" if self is KeyKind.USER else "sv_"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request acts for: one key, in one account."""

    account_id: UUID
    account_name: str
    key_id: UUID
    name: str
    kind: KeyKind
    role: Role

    def may(self, right: Right) -> bool:
        """Whether this principal's role carries the right."""
        return _RANK[self.role] >= _RANK[_LEAST_ROLE[right]]

    def must(self, right: Right) -> None:
        """Raise `Forbidden`, naming the least role that would do, unless `may(right)`."""
        if not self.may(right):
            least = _LEAST_ROLE[right]
            message = f"Your role {self.role} may not do this: it needs the role {least} or higher."
            raise Forbidden(message, code="ROLE_TOO_LOW")
