"""Results of a check in version 1: a bare list, one result, its files."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.check_results import (
    AssetManifest,
    AssetSource,
    CheckResultBody,
    asset_manifest,
    check_result_body,
)
from bellrock.api.links import LinksOf
from bellrock.api.queries import asset_types
from bellrock.api.results_page import ResultFilters
from bellrock.services import results

router = APIRouter(prefix="/v1/check-results/{checkId}", tags=["Check results"])


@router.get("")
async def list_check_results(
    checkId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    response: Response,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    filters: Annotated[ResultFilters, Query()],
) -> list[CheckResultBody]:
    """List results of a check's sessions, newest first."""
    page = await results.list_results(platform, caller, checkId, query=filters.query())
    first = (filters.page - 1) * filters.limit
    span = f"{first}-{first + len(page.rows) - 1}" if page.rows else "*"
    response.headers["Content-Range"] = f"{span}/{page.total}"
    return [check_result_body(row, links) for row in page.rows]


@router.get("/{checkResultId}")
async def get_check_result(
    checkId: UUID,  # noqa: N803
    checkResultId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
) -> CheckResultBody:
    """One result of a check in full."""
    row = await results.get_result(platform, caller, checkId, result_id=checkResultId)
    return check_result_body(row, links)


@router.get("/{checkResultId}/assets", response_model_exclude_none=True)
async def list_check_result_assets(
    checkId: UUID,  # noqa: N803
    checkResultId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: Caller,
    links: LinksOf,
    name: Annotated[str | None, Query(max_length=200)] = None,
) -> AssetManifest:
    """The kept files of one result. Filters: ``type`` (may repeat), ``name`` (a glob)."""
    types = asset_types(request)
    row = await results.get_result(platform, caller, checkId, result_id=checkResultId)
    source = AssetSource(
        type="check-result",
        check_id=checkId,
        check_name=row.run.check_name,
        check_type=row.run.run.check_type,
        result_id=row.result.id,
    )
    return asset_manifest(row.result, source, links, types=types, name=name)
