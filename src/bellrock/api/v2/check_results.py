"""Results of a check in version 2: a cursor, and only the fields asked for."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.check_results import CheckResultBody, CheckResultPage, as_entry, check_result_body
from bellrock.api.links import LinksOf
from bellrock.api.queries import words
from bellrock.api.results_page import ResultFilters
from bellrock.services import results

router = APIRouter(prefix="/v2/check-results", tags=["Check results"])

_LATER = ("createdAt", "agenticCheckResult", "tracerouteCheckResult", "grpcCheckResult")


def _names() -> tuple[str, ...]:
    own = [field.alias or name for name, field in CheckResultBody.model_fields.items()]
    return (*own, *_LATER)


_FIELDS = _names()


@router.get("/{checkId}")
async def list_check_results(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    filters: Annotated[ResultFilters, Query()],
) -> CheckResultPage:
    """List results of a check's sessions, newest first; ``fields`` chooses what of each."""
    fields = words(request, "fields", allowed=_FIELDS)
    page = await results.list_results(platform, caller, checkId, query=filters.query())
    entries: list[dict[str, Any]] = [as_entry(check_result_body(row, links), fields) for row in page.rows]
    return CheckResultPage(length=len(entries), entries=tuple(entries), next_id=page.next_id)
