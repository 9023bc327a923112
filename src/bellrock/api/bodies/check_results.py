"""Results of a check: in full, projected to chosen fields, and their files."""

import fnmatch
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID, uuid5

from bellrock.api.bodies.base import Answer, Instant, SnakeCreated
from bellrock.api.bodies.details import file_link, result_details
from bellrock.api.bodies.runs import CancelledBy, ReceiptBody, Row, receipt_body
from bellrock.api.links import Links
from bellrock.domain.outcomes import TOO_SLOW
from bellrock.domain.specs import CheckType
from bellrock.services.views import ResultRow, ResultView

AssetType = Literal["log", "trace", "video", "screenshot", "pcap", "report", "file"]
_LARGEST_EXACT_NUMBER = 2**53


class CheckResultBody(Answer):
    """One result of a check, in full."""

    id: UUID
    name: str
    check_id: UUID
    has_failures: bool
    has_errors: bool
    is_degraded: bool
    is_cancelled: bool
    over_max_response_time: bool
    run_location: str
    started_at: Instant | None
    stopped_at: Instant | None
    created_at: SnakeCreated
    response_time: int
    check_run_id: int
    attempts: int
    result_type: Literal["FINAL", "ATTEMPT"]
    sequence_id: UUID
    trace_id: str | None
    error_group_ids: tuple[UUID, ...]
    cancelled_at: Instant | None
    cancelled_by: CancelledBy | None
    receipt: ReceiptBody | None
    playwright_check_result: dict[str, Any] | None = None
    api_check_result: dict[str, Any] | None = None
    browser_check_result: dict[str, Any] | None = None
    multi_step_check_result: dict[str, Any] | None = None
    ssl_check_result: dict[str, Any] | None = None


class CheckResultPage(Answer):
    """A page of results, newest first; entries may be projected to the fields asked for."""

    length: int
    entries: tuple[dict[str, Any], ...]
    next_id: str | None


class AssetSource(Answer):
    """What a file belongs to."""

    type: Literal["check-result", "test-session-result"]
    check_id: UUID | None = None
    check_name: str | None = None
    check_type: CheckType | None = None
    result_id: UUID | None = None
    test_session_id: UUID | None = None


class Asset(Answer):
    """One kept file. ``url`` works without a key for an hour. Sizes and hashes are our addition."""

    type: AssetType
    name: str
    url: str
    content_type: str
    source: AssetSource
    size_bytes: int
    sha256: str
    test_id: str | None = None


class AssetManifest(Answer):
    """The kept files of one result."""

    assets: tuple[Asset, ...]
    truncated: bool
    entries_returned: int
    entries_total: int


def check_result_body(row: ResultRow, links: Links) -> CheckResultBody:
    """A result in full."""
    result, run = row.result, row.run.run
    line = Row(run, row.run, result)
    flags, cancel = line.flags, line.cancel
    return CheckResultBody(
        id=result.id,
        name=row.run.check_name,
        check_id=run.check_id or UUID(int=0),
        has_failures=flags.has_failures,
        has_errors=flags.has_errors,
        is_degraded=flags.is_degraded,
        is_cancelled=flags.is_cancelled,
        over_max_response_time=result.outcome.code == TOO_SLOW,
        run_location=result.location,
        started_at=line.started_at,
        stopped_at=line.stopped_at,
        created_at=result.created_at,
        response_time=result.response_time_ms or 0,
        check_run_id=check_run_number(run.id, result.attempt),
        attempts=result.attempt,
        result_type=result.result_type,
        sequence_id=run.id,
        trace_id=None,
        error_group_ids=row.error_group_ids,
        cancelled_at=cancel.at if cancel else None,
        cancelled_by=line.cancelled_by,
        receipt=receipt_body(result.receipt),
        **result_details(line, links),
    )


def check_run_number(run_id: UUID, attempt: int) -> int:
    """The contract wants a number where we have an id per attempt: a stable one that JSON can hold."""
    return uuid5(run_id, f"attempt-{attempt}").int % _LARGEST_EXACT_NUMBER


def as_entry(body: CheckResultBody, fields: Sequence[str]) -> dict[str, Any]:
    """A result as a list entry: whole, or only the fields asked for."""
    entry = body.model_dump(mode="json")
    if not fields:
        return entry
    known = {**entry, "createdAt": entry["created_at"]}
    return {name: known.get(name) for name in fields}


def asset_manifest(
    result: ResultView | None,
    source: AssetSource,
    links: Links,
    *,
    types: Sequence[AssetType] = (),
    name: str | None = None,
) -> AssetManifest:
    """The files of a result, by type and by name (a glob, upper and lower case alike)."""
    kept = result.artifacts if result else ()
    chosen = [
        artifact
        for artifact in kept
        if (not types or artifact.type in types)
        and (name is None or fnmatch.fnmatchcase(artifact.name.lower(), name.lower()))
    ]
    assets = (
        Asset(
            type=artifact.type,
            name=artifact.name,
            url=file_link(result, artifact, links),
            content_type=artifact.content_type,
            source=source,
            size_bytes=artifact.size_bytes,
            sha256=artifact.sha256,
            test_id=artifact.test_id,
        )
        for artifact in chosen
        if result
    )
    return AssetManifest(
        assets=tuple(assets), truncated=False, entries_returned=len(chosen), entries_total=len(chosen)
    )
