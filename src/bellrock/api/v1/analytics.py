"""Figures of checks: what can be measured, one check in depth, many at once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.analytics import (
    AnalyticsBody,
    BatchAsk,
    MetricBody,
    analytics_body,
    batch_body,
    metric_bodies,
)
from bellrock.api.queries import UtcMoment, words
from bellrock.domain.analytics import AVAILABILITY
from bellrock.domain.heartbeats import PingState
from bellrock.domain.spans import QuickRange
from bellrock.domain.specs import CheckType
from bellrock.services import analytics, check_summaries
from bellrock.services.analytics import AnalyticsQuery, GroupBy

router = APIRouter(prefix="/v1/analytics", tags=["Analytics"])

KINDS: Mapping[str, CheckType] = {
    "api-checks": CheckType.API,
    "browser-checks": CheckType.BROWSER,
    "multistep-checks": CheckType.MULTI_STEP,
    "playwright-checks": CheckType.PLAYWRIGHT,
    "heartbeat-checks": CheckType.HEARTBEAT,
    "tcp-checks": CheckType.TCP,
    "url-monitors": CheckType.URL,
    "dns": CheckType.DNS,
    "icmp": CheckType.ICMP,
    "ssl": CheckType.SSL,
    "grpc-checks": CheckType.GRPC,
    "traceroute": CheckType.TRACEROUTE,
    "agentic-checks": CheckType.AGENTIC,
}
"""The word in the path for each type."""

_GROUPS: Mapping[CheckType, tuple[GroupBy, ...]] = {
    CheckType.API: ("runLocation", "statusCode"),
    CheckType.URL: ("runLocation", "statusCode"),
    CheckType.BROWSER: ("runLocation", "pageIndex"),
    CheckType.HEARTBEAT: (),
}
_SUCCESS = {"success": True, "failure": False}
_OF_BATCHES = (
    *(QuickRange.LAST_24_HOURS, QuickRange.LAST_7_DAYS),
    *(QuickRange.THIS_WEEK, QuickRange.LAST_WEEK, QuickRange.LAST_MONTH),
)


class Filters(BaseModel):
    """When, and how much of the answer. ``from`` and ``to``: ISO 8601 or Unix seconds; they go first."""

    model_config = ConfigDict(populate_by_name=True)

    quick_range: QuickRange = Field(QuickRange.LAST_24_HOURS, alias="quickRange")
    from_at: UtcMoment | None = Field(None, alias="from")
    to_at: UtcMoment | None = Field(None, alias="to")
    interval_min: float | None = Field(None, alias="aggregationInterval", ge=1, le=43_200)
    limit: int = Field(10, ge=1, le=100)
    page: int = Field(1, ge=1, le=1_000_000)


@router.get("/metrics")
async def list_metrics(
    caller: Caller,  # noqa: ARG001  (needs a key, whosever it is)
    check_type: Annotated[CheckType, Query(alias="checkType")],
) -> list[MetricBody]:
    """What can be measured of checks of a type."""
    return metric_bodies(check_type)


@router.post("/checks")
async def get_batch_analytics(
    platform: PlatformOf, caller: Caller, request: Request, body: BatchAsk
) -> list[dict[str, Any]]:
    """Figures of up to 100 checks. Those that are not the account's are left out."""
    allowed = [str(each) for each in _OF_BATCHES]
    quick = _one(request, "quickRange", allowed) or QuickRange.LAST_24_HOURS
    found = await check_summaries.batch_figures(
        platform, caller, body.check_ids, quick_range=QuickRange(quick)
    )
    return [batch_body(each) for each in found]


def _reader(check_type: CheckType) -> Callable[..., Awaitable[AnalyticsBody]]:
    async def read(
        id: UUID,  # noqa: A002  (the contract's name, which errors repeat)
        platform: PlatformOf,
        caller: Caller,
        request: Request,
        filters: Annotated[Filters, Query()],
    ) -> AnalyticsBody:
        query = _query(check_type, request, filters)
        found = await analytics.check_figures(platform, caller, id, of=check_type, query=query)
        return analytics_body(found, query.group_by, page=filters.page, limit=filters.limit)

    return read


def _query(check_type: CheckType, request: Request, filters: Filters) -> AnalyticsQuery:
    metrics = tuple(name for value in words(request, "metrics") for name in value.split(",") if name)
    is_heartbeat = check_type is CheckType.HEARTBEAT
    statuses = [str(each) for each in PingState] if is_heartbeat else list(_SUCCESS)
    chosen = words(request, "filterByStatus", allowed=statuses)
    successes = set() if is_heartbeat else {_SUCCESS[each] for each in chosen}
    return AnalyticsQuery(
        metrics=metrics or ((AVAILABILITY,) if is_heartbeat else ()),
        quick_range=filters.quick_range,
        from_at=filters.from_at,
        to_at=filters.to_at,
        group_by=_group_by(check_type, request),
        interval_min=filters.interval_min,
        successful=successes.pop() if len(successes) == 1 else None,
        states=tuple(PingState(each) for each in chosen) if is_heartbeat else (),
        limit=filters.limit,
        page=filters.page,
    )


def _group_by(check_type: CheckType, request: Request) -> GroupBy | None:
    allowed = _GROUPS.get(check_type, ("runLocation",))
    name = _one(request, "groupBy", allowed) if allowed else None
    return next((each for each in get_args(GroupBy) if each == name), None)


def _one(request: Request, name: str, allowed: Sequence[str]) -> str | None:
    """The one value of a parameter that may be left out. Raises Invalid for one that is not allowed."""
    found = words(request, name, allowed=allowed)
    return found[-1] if found else None


for _word, _type in KINDS.items():
    router.add_api_route(
        f"/{_word}/{{id}}",
        _reader(_type),
        methods=["GET"],
        response_model=AnalyticsBody,
        name=f"get_analytics_of_{_word}",
        description=(
            f"Figures of a check of type {_type}. ``metrics`` (a list, or separated by commas) names them; "
            "``groupBy`` and ``filterByStatus`` choose results."
        ),
    )
