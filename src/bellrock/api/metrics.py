"""Numbers for Prometheus. Who asks from this machine needs no key, see `auth`."""

from fastapi import APIRouter, Response

from bellrock.api.auth import PlatformOf
from bellrock.measures import CONTENT_TYPE
from bellrock.services.stock import read_measures

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def get_metrics(platform: PlatformOf) -> Response:
    """Everything that is counted, in the Prometheus text format."""
    text = await read_measures(platform)
    return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
