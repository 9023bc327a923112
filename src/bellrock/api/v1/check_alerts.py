"""Alerts of checks. None is sent yet, so none is listed."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.queries import UtcMoment
from bellrock.services import checks

router = APIRouter(prefix="/v1/check-alerts", tags=["Check alerts"])


class Filters(BaseModel):
    """When, and how many. ``from`` and ``to``: ISO 8601 or Unix seconds."""

    model_config = ConfigDict(populate_by_name=True)

    limit: int = Field(10, ge=1, le=100)
    page: int = Field(1, ge=1, le=1_000_000)
    from_at: UtcMoment | None = Field(None, alias="from")
    to_at: UtcMoment | None = Field(None, alias="to")


@router.get("")
async def list_check_alerts(
    caller: Caller,  # noqa: ARG001  (needs a key)
    filters: Annotated[Filters, Query()],  # noqa: ARG001  (read, so that bad ones are refused)
) -> list[dict[str, Any]]:
    """Alerts of all checks: none."""
    return []


@router.get("/{checkId}")
async def list_alerts_of_check(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    filters: Annotated[Filters, Query()],  # noqa: ARG001
) -> list[dict[str, Any]]:
    """Alerts of one check: none."""
    await checks.get_check(platform, caller, checkId)
    return []
