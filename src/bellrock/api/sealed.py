"""Sealed permissions to read one run's files: what a link carries instead of a key.

A seal names the account, the run and the attempt, and ends by itself. Only who has the data
folder's key can make or read one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bellrock.domain.access import KeyKind, Principal, Role
from bellrock.domain.errors import Unauthenticated
from bellrock.services.platform import Platform

_PURPOSE = "read-run"


@dataclass(frozen=True, slots=True)
class RunSeal:
    """What a seal allows: reading the files of this run's attempt."""

    principal: Principal
    run_id: UUID
    attempt: int


def seal_run(platform: Platform, principal: Principal, run_id: UUID, *, attempt: int, lifetime_s: int) -> str:
    """A seal for the files of one attempt. Safe in a query."""
    until = platform.clock() + timedelta(seconds=lifetime_s)
    content = {
        "for": _PURPOSE,
        "account": str(principal.account_id),
        "run": str(run_id),
        "attempt": attempt,
        "until": until.isoformat(),
    }
    return platform.vault.seal(content).rstrip("=")


def open_seal(platform: Platform, sealed: str) -> RunSeal:
    """What a seal allows. Raises Unauthenticated for one that is not ours or too old."""
    try:
        content = platform.vault.open(sealed + "=" * (-len(sealed) % 4))
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("for") != _PURPOSE:
        raise Unauthenticated("This link is not one of ours.", code="BAD_LINK")
    if datetime.fromisoformat(content["until"]) < platform.clock():
        said = "This link is too old. Ask for the list of assets again."
        raise Unauthenticated(said, code="LINK_TOO_OLD")
    account_id = UUID(content["account"])
    reader = Principal(
        account_id=account_id,
        account_name="",
        key_id=account_id,
        name="link",
        kind=KeyKind.SERVICE,
        role=Role.READ_ONLY,
    )
    return RunSeal(reader, UUID(content["run"]), content["attempt"])
