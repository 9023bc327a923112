"""Client certificates: what a check shows to a host that asks who is there."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate for the hosts that a pattern names. Texts are PEM; ``*`` stands for any characters.

    Its private key is not here: it is sealed in the database and opened for a run alone.
    """

    id: UUID
    account_id: UUID
    host: str
    certificate: str
    created_at: datetime
    authority: str | None = None
