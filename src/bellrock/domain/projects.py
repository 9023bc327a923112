"""What identifies a project."""

from uuid import UUID, uuid5


def project_id_of(account_id: UUID, logical_id: str) -> UUID:
    """The id of the account's project of that logical id, also before it is first deployed."""
    return uuid5(account_id, f"project:{logical_id}")
