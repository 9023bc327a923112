"""A page of checks: the same question in every version, and the header that says how many there are."""

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.paging import tell_range
from bellrock.api.queries import words
from bellrock.domain.access import Principal
from bellrock.domain.check_status import StatusWord
from bellrock.domain.checks import Check
from bellrock.domain.errors import NotBuilt
from bellrock.domain.specs import CheckType
from bellrock.services import checks
from bellrock.services.platform import Platform


class Filters(BaseModel):
    """Which page of checks to list. With ``status`` those that ever ran and do so now."""

    model_config = ConfigDict(populate_by_name=True)

    limit: int = Field(10, ge=1, le=100)
    page: int = Field(1, ge=1, le=1_000_000)
    check_type: CheckType | None = Field(None, alias="checkType")
    search: str | None = Field(None, max_length=500)
    status: StatusWord | None = None
    url_pattern: str | None = Field(None, alias="apiCheckUrlFilterPattern")
    apply_group: bool = Field(default=False, alias="applyGroupSettings")


async def read_page(
    request: Request,
    response: Response,
    platform: Platform,
    principal: Principal,
    *,
    filters: Filters,
) -> tuple[Check, ...]:
    """The checks of a page; sets `Content-Range` on the response."""
    if filters.url_pattern:
        name = "apiCheckUrlFilterPattern"
        raise NotBuilt(f"The filter {name} (query) is not part of this version of Bellrock yet.")
    found = await checks.list_checks(
        platform,
        principal,
        page=filters.page,
        limit=filters.limit,
        tags=words(request, "tag"),
        check_type=filters.check_type,
        search=filters.search,
        status=filters.status,
        apply_group=filters.apply_group,
    )
    tell_range(response, page=filters.page, limit=filters.limit, shown=len(found.checks), total=found.total)
    return found.checks
