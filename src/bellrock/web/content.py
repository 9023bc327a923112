"""What users made, on an origin of its own: HTML reports, and traces in Playwright's viewer.

Links carry a sealed token in their path, so that relative links inside a report work and no cookie
is needed: it names one run of one account, and ends by itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from bellrock.domain.access import KeyKind, Principal, Role
from bellrock.domain.errors import NotFound
from bellrock.services.platform import Platform
from bellrock.services.results import open_artifact
from bellrock.store.vault import Vault
from bellrock.web.login import Parts
from bellrock.web.security import CONTENT_POLICY, headers_for
from bellrock.wire.messages import Artifact

LINK_S = 12 * 3_600
_PURPOSE = "content"
_RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")

router = APIRouter()


@dataclass(frozen=True, slots=True)
class ContentLinks:
    """Makes addresses on the content origin for the files of one run."""

    base: str
    token: str
    has_viewer: bool

    def open_link(self, artifact: Artifact) -> tuple[str, str] | None:
        """Where a file can be looked at and the words for it; None for files that are only kept."""
        address = f"{self.base}/content/{self.token}/{quote(artifact.name)}"
        if artifact.type == "trace" and self.has_viewer:
            viewer = f"{self.base}/content/trace-viewer/index.html"
            return f"{viewer}?{urlencode({'trace': address})}", "Open trace"
        if artifact.content_type.startswith("text/html"):
            return address, "Open report" if artifact.type == "report" else "Open"
        return None


def links_for(
    platform: Platform, principal: Principal, run_id: UUID, *, base: str, viewer: bool
) -> ContentLinks:
    """Links into the files of a run, good for at least half of `LINK_S`."""
    half = LINK_S // 2
    period = int(platform.clock().timestamp()) // half
    token = _token(platform.vault, str(principal.account_id), str(run_id), (period + 2) * half)
    return ContentLinks(base, token, viewer)


@lru_cache(maxsize=4_096)
def _token(vault: Vault, account_id: str, run_id: str, until_s: int) -> str:
    # Kept, because sealing twice gives two texts, and a page would change for no reason.
    return vault.seal({"for": _PURPOSE, "account": account_id, "run": run_id, "until": until_s})


def _reader(platform: Platform, token: str) -> tuple[Principal, UUID]:
    gone = NotFound("This link is not good, or no longer: open the file again from its run's page.")
    try:
        content = platform.vault.open(token)
    except ValueError as error:
        raise gone from error
    if not isinstance(content, dict) or content.get("for") != _PURPOSE:
        raise gone
    if platform.clock().timestamp() > float(content["until"]):
        raise gone
    account = UUID(str(content["account"]))
    reader = Principal(account, "", account, "content link", KeyKind.SERVICE, Role.READ_ONLY)
    return reader, UUID(str(content["run"]))


@router.get("/content/trace-viewer/{name:path}")
async def trace_viewer(request: Request, name: str) -> Response:
    """A file of Playwright's trace viewer."""
    folder = request.app.state.options.trace_viewer()
    path = PurePosixPath(name)
    if folder is None or path.is_absolute() or ".." in path.parts:
        raise NotFound("There is no such file of the trace viewer.")
    file = folder / path
    if not file.is_file():
        raise NotFound("There is no such file of the trace viewer.")
    return FileResponse(file, headers={**headers_for(CONTENT_POLICY), "Cache-Control": "no-cache"})


@router.get("/content/{token}/{name:path}")
async def content(request: Request, platform: Parts, token: str, name: str) -> Response:
    """A file of the run the token names."""
    reader, run_id = _reader(platform, token)
    return await artifact_response(request, platform, reader, run_id=run_id, name=name, policy=CONTENT_POLICY)


async def artifact_response(
    request: Request,
    platform: Platform,
    reader: Principal,
    *,
    run_id: UUID,
    name: str,
    policy: str,
    disposition: Callable[[Artifact], str] | None = None,
) -> Response:
    """A kept file as an answer; a single byte range is honoured, since players and viewers seek."""
    wanted = _RANGE.match(request.headers.get("range", ""))
    start = int(wanted[1]) if wanted else 0
    end = int(wanted[2]) + 1 if wanted and wanted[2] else None
    artifact, chunks = await open_artifact(platform, reader, run_id, name=name, start=start, end=end)
    headers = {**headers_for(policy), "Cache-Control": "private, max-age=3600", "Accept-Ranges": "bytes"}
    if disposition:
        headers["Content-Disposition"] = disposition(artifact)
    last = min(end or artifact.size_bytes, artifact.size_bytes) - 1
    if wanted and start > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{artifact.size_bytes}"})
    headers["Content-Length"] = str(max(last - start + 1, 0))
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{last}/{artifact.size_bytes}"
    return StreamingResponse(chunks, 206 if wanted else 200, headers, media_type=artifact.content_type)
