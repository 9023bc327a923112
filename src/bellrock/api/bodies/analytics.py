"""Figures of checks, as the contract says them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from bellrock.api.bodies.base import Answer, Ask, Instant, is_none, milliseconds
from bellrock.domain.analytics import AskedMetric, Metric, asked_metric, metric_names
from bellrock.domain.specs import CheckType
from bellrock.services.analytics import CheckFigures, GroupBy, Point, Series
from bellrock.services.check_summaries import Figures

Unit = Literal["milliseconds", "score", "count", "percentage"]


class MetricBody(Answer):
    """What can be asked for of checks of a type. ``aggregated``: one figure of many results."""

    name: str
    unit: Unit
    label: str
    type: Literal["Float", "Int", "String"]
    aggregated: bool


class MetricMetadata(Answer):
    """What a metric of an answer is."""

    unit: Unit
    label: str
    aggregation: str | None = Field(None, exclude_if=is_none)


class Pagination(Answer):
    """Which part of each series is shown."""

    page: int
    limit: int


class AnalyticsBody(Answer):
    """Figures of one check. An entry of ``series`` holds ``data`` and what its results have in common.

    ``data`` has one object with every metric; with an interval, or of each result, one per moment, newest
    first, with its ``timestamp``.
    """

    check_id: UUID
    name: str
    check_type: CheckType
    activated: bool
    muted: bool
    frequency: int
    from_: Instant = Field(alias="from")
    to: Instant
    tags: tuple[str, ...]
    series: tuple[dict[str, Any], ...]
    pagination: Pagination
    metadata: dict[str, MetricMetadata]


class BatchAsk(Ask):
    """Checks to have figures of."""

    model_config = ConfigDict(extra="forbid")

    check_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]


def metric_bodies(check_type: CheckType) -> list[MetricBody]:
    """Every name that may be asked for of checks of a type."""
    asked = [asked_metric(check_type, name) for name in metric_names(check_type)]
    return [_metric(each) for each in asked if each is not None]


def analytics_body(found: CheckFigures, group_by: GroupBy | None, *, page: int, limit: int) -> AnalyticsBody:
    """Figures of one check."""
    check = found.check
    return AnalyticsBody(
        check_id=check.id,
        name=check.name,
        check_type=check.type,
        activated=check.activated,
        muted=check.muted,
        frequency=check.frequency_min,
        from_=found.span.start,
        to=found.span.end,
        tags=check.tags,
        series=tuple(_series(each, group_by) for each in found.series),
        pagination=Pagination(page=page, limit=limit),
        metadata={
            each.name: MetricMetadata(unit=each.metric.unit, label=_label(each), aggregation=each.aggregation)
            for each in found.asked
        },
    )


def batch_body(found: Figures) -> dict[str, Any]:
    """Figures of one of many checks: null where there are none, absent where they do not apply."""
    return {"checkId": str(found.check_id), "checkType": found.check_type, **found.values}


def _series(series: Series, group_by: GroupBy | None) -> dict[str, Any]:
    data = [_point(each) for each in series.points]
    return {"data": data} if group_by is None else {group_by: series.key, "data": data}


def _point(point: Point) -> dict[str, Any]:
    return {**({"timestamp": milliseconds(point.at)} if point.at else {}), **point.values}


def _metric(asked: AskedMetric) -> MetricBody:
    metric = asked.metric
    return MetricBody(
        name=asked.name,
        unit=metric.unit,
        label=_label(asked),
        type=_type(metric),
        aggregated=not asked.is_of_each_result,
    )


def _label(asked: AskedMetric) -> str:
    return f"{asked.metric.label} ({asked.aggregation})" if asked.aggregation else asked.metric.label


def _type(metric: Metric) -> Literal["Float", "Int", "String"]:
    if metric.is_text:
        return "String"
    return "Int" if metric.unit == "count" else "Float"
