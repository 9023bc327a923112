"""Files of runs, for people: by key, or by a link from a list of assets.

A user's suite made these files, so none of them may act as a page of ours: only harmless types are
shown, everything else is downloaded, and scripts are off in any case.
"""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from bellrock.api.auth import PlatformOf, principal_of
from bellrock.api.errors import error_response
from bellrock.api.sealed import open_seal
from bellrock.domain.access import Principal
from bellrock.domain.errors import Forbidden
from bellrock.services import results
from bellrock.services.platform import Platform

router = APIRouter(prefix="/v1/artifacts", tags=["Artifacts"])

_SHOWN = re.compile(r"(image/(png|jpeg|gif|webp)|video/(webm|mp4)|application/(json|zip)|text/plain)(;.*)?$")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def _reader(
    request: Request, platform: Platform, run_id: UUID, signature: str | None
) -> tuple[Principal, int | None]:
    if signature is None:
        return principal_of(request), None
    seal = open_seal(platform, signature)
    if seal.run_id != run_id:
        raise Forbidden("This link is for another run.", code="BAD_LINK")
    return seal.principal, seal.attempt


def _span(asked: str | None, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of one asked range; None for the whole file, start >= end for none."""
    match = _RANGE.match(asked or "")
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size


@router.get("/{runId}/{name:path}")
async def get_artifact(
    runId: UUID,  # noqa: N803  (said like the contract's ids)
    name: str,
    request: Request,
    platform: PlatformOf,
    signature: Annotated[str | None, Query(max_length=4_000)] = None,
    asked: Annotated[str | None, Header(alias="Range", max_length=100)] = None,
) -> Response:
    """One kept file. A single byte range is honoured, as players and archive readers want it."""
    reader, attempt = _reader(request, platform, runId, signature)
    artifact, chunks = await results.open_artifact(platform, reader, runId, name=name, attempt=attempt)
    is_shown = _SHOWN.match(artifact.content_type)
    media_type = artifact.content_type if is_shown else "application/octet-stream"
    headers = dict(_HEADERS)
    if not is_shown:
        headers["Content-Disposition"] = "attachment"
    span = _span(asked, artifact.size_bytes)
    if span is None:
        headers["Content-Length"] = str(artifact.size_bytes)
        return StreamingResponse(chunks, 200, headers, media_type)
    start, end = span
    if start >= end:
        said = f"The file has {artifact.size_bytes} bytes: the range asked for is not in it."
        return error_response(416, said, headers={"Content-Range": f"bytes */{artifact.size_bytes}"})
    _, part = await results.open_artifact(
        platform, reader, runId, name=name, attempt=attempt, start=start, end=end
    )
    headers["Content-Length"] = str(end - start)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{artifact.size_bytes}"
    return StreamingResponse(part, 206, headers, media_type)
