"""The report of an account: how each check did."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import Caller, PlatformOf
from bellrock.api.bodies.base import Answer, Instant, is_none
from bellrock.api.queries import UtcMoment, words
from bellrock.domain.spans import Granularity, QuickRange, Span
from bellrock.domain.specs import CheckType
from bellrock.domain.spreads import Aggregation, aggregate
from bellrock.services import reporting
from bellrock.services.check_summaries import Summary
from bellrock.services.reporting import CheckReport, ReportQuery

router = APIRouter(prefix="/v1/reporting", tags=["Reporting"])

_DECIMALS_OF_RATIOS = 4
_DECIMALS = 2


class ReportRange(StrEnum):
    """The contract's spans of reports: those of analytics, one of them by another name."""

    LAST_24_HOURS = "last24Hrs"
    LAST_7_DAYS = "last7Days"
    LAST_30_DAYS = "last30Days"
    THIS_WEEK = "thisWeek"
    THIS_MONTH = "thisMonth"
    LAST_WEEK = "lastWeek"
    LAST_MONTH = "lastMonth"


class Filters(BaseModel):
    """Which checks, and when. ``from`` and ``to``: ISO 8601 or Unix seconds; they go first."""

    model_config = ConfigDict(populate_by_name=True)

    quick_range: ReportRange = Field(ReportRange.LAST_24_HOURS, alias="quickRange")
    from_at: UtcMoment | None = Field(None, alias="from")
    to_at: UtcMoment | None = Field(None, alias="to")
    deactivated: bool | None = None
    granularity: Granularity | None = None
    timezone: str | None = Field(None, min_length=1, max_length=100)


class Aggregate(Answer):
    """``successRatio`` in percent, times in ms: 0 where none was measured."""

    success_ratio: float
    avg: float
    p95: float
    p99: float


class Bucket(Aggregate):
    """The same of one day, week or month."""

    from_: Instant = Field(alias="from")
    to: Instant


class ReportBody(Answer):
    """How a check did: as a whole, or part by part. Nothing is said of a time in which it did not run."""

    name: str
    check_id: UUID
    check_type: CheckType
    deactivated: bool
    tags: tuple[str, ...]
    aggregate: Aggregate | None = Field(None, exclude_if=is_none)
    aggregates: tuple[Bucket, ...] | None = Field(None, exclude_if=is_none)


@router.get("")
async def get_report(
    request: Request, platform: PlatformOf, caller: Caller, filters: Annotated[Filters, Query()]
) -> list[ReportBody]:
    """How the account's checks did, by name. ``filterByTags`` may repeat."""
    query = ReportQuery(
        quick_range=QuickRange[filters.quick_range.name],
        from_at=filters.from_at,
        to_at=filters.to_at,
        tags=words(request, "filterByTags"),
        deactivated=filters.deactivated,
        granularity=filters.granularity,
        timezone=filters.timezone,
    )
    found = await reporting.report(platform, caller, query)
    return [_report(each, in_parts=query.granularity is not None) for each in found]


def _report(report: CheckReport, *, in_parts: bool) -> ReportBody:
    check = report.check
    return ReportBody(
        name=check.name,
        check_id=check.id,
        check_type=check.type,
        deactivated=not check.activated,
        tags=check.tags,
        aggregate=next((_aggregate(of) for _, of in report.parts), None) if not in_parts else None,
        aggregates=tuple(_bucket(span, of) for span, of in report.parts) if in_parts else None,
    )


def _aggregate(summary: Summary) -> Aggregate:
    avg, p95, p99 = (
        round(aggregate(summary.times_ms, how) or 0, _DECIMALS)
        for how in (Aggregation.AVG, Aggregation.P95, Aggregation.P99)
    )
    ratio = round(summary.availability or 0, _DECIMALS_OF_RATIOS)
    return Aggregate(success_ratio=ratio, avg=avg, p95=p95, p99=p99)


def _bucket(span: Span, summary: Summary) -> Bucket:
    return Bucket(**dict(_aggregate(summary)), from_=span.start, to=span.end)
