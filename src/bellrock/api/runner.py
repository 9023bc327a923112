"""Where runners fetch bundles and send what they kept. The claim's token is the only key here.

These paths stand outside the public contract, its keys and its rate limit: a runner that holds a
run may speak about that run and about nothing else.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from bellrock.api.auth import PlatformOf
from bellrock.domain.errors import Unauthenticated
from bellrock.services import accept_artifact, bundles

router = APIRouter(prefix="/runner/v1", include_in_schema=False)

_GZIP = "application/gzip"
_UNNAMED = "application/octet-stream"


async def _token(authorization: Annotated[str, Header()] = "") -> UUID:
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme.lower() == "bearer":
            return UUID(token.strip())
    except ValueError:
        pass
    raise Unauthenticated("The token of the run's claim is needed, in 'Authorization: Bearer <token>'.")


ClaimToken = Annotated[UUID, Depends(_token)]


@router.get("/bundles/{key:path}")
async def fetch_bundle(
    key: str,
    platform: PlatformOf,
    token: ClaimToken,
    run_id: Annotated[UUID, Header(alias="X-Bellrock-Run")],
) -> StreamingResponse:
    """The bundle of a run, for the runner that holds it."""
    chunks = await bundles.bundle_for_run(platform, run_id, token=token, key=key)
    return StreamingResponse(chunks, media_type=_GZIP)


@router.put("/runs/{run_id}/artifacts/{name:path}", status_code=204)
async def put_artifact(
    run_id: UUID, name: str, request: Request, platform: PlatformOf, token: ClaimToken
) -> Response:
    """One file of a run. Sending a name again replaces it."""
    await accept_artifact.accept_artifact(
        platform,
        run_id,
        token=token,
        name=name,
        content_type=request.headers.get("content-type", _UNNAMED),
        chunks=request.stream(),
    )
    return Response(status_code=204)
