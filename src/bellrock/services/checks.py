"""Checks: saved, changed, listed, deleted. What may be saved is decided here and in `check_payload`."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.checks import Check, CheckType, EnvironmentVariable, PlaywrightSuite, UrlMonitor
from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform
from bellrock.services.views import CheckPage


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check as somebody wants it. ``environment=None`` keeps the variables a check has.

    A secret variable with an empty value keeps the value it has.
    """

    type: CheckType
    name: str
    spec: PlaywrightSuite | UrlMonitor
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    frequency_min: int = 10
    frequency_offset_s: int | None = None
    run_parallel: bool = False
    environment: tuple[EnvironmentVariable, ...] | None = None
    description: str | None = None


def draft_of(check: Check) -> CheckDraft:
    """A draft that would change nothing, to be altered with `dataclasses.replace`."""
    return CheckDraft(
        type=check.type,
        name=check.name,
        spec=check.spec,
        activated=check.activated,
        muted=check.muted,
        locations=check.locations,
        tags=check.tags,
        frequency_min=check.frequency_min,
        frequency_offset_s=check.frequency_offset_s,
        run_parallel=check.run_parallel,
        description=check.description,
    )


async def create_check(platform: Platform, principal: Principal, draft: CheckDraft) -> Check:
    """Save a new check. Raises Invalid naming the field. Needs EDIT."""
    raise NotBuilt("checks")


async def update_check(
    platform: Platform, principal: Principal, check_id: UUID, *, draft: CheckDraft
) -> Check:
    """Replace a check by the draft. Raises NotFound, Invalid (also for another type). Needs EDIT."""
    raise NotBuilt("checks")


async def get_check(platform: Platform, principal: Principal, check_id: UUID) -> Check:
    """One check; values of secret variables are empty. Raises NotFound."""
    raise NotBuilt("checks")


async def list_checks(
    platform: Platform,
    principal: Principal,
    *,
    page: int = 1,
    limit: int = 10,
    tags: Sequence[str] = (),
    check_type: CheckType | None = None,
    search: str | None = None,
) -> CheckPage:
    """Checks by name, ``limit`` per page from page 1; with any of the tags; ``search`` in the name."""
    raise NotBuilt("checks")


async def delete_check(platform: Platform, principal: Principal, check_id: UUID) -> None:
    """Delete a check. Its runs in flight go on, its sessions stay. Raises NotFound. Needs EDIT."""
    raise NotBuilt("checks")
