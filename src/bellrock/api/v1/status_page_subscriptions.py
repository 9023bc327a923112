"""Who hears of incidents on a status page: nobody, since no page is served that could be subscribed to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path

from bellrock.api.auth import Caller, EditCaller, PlatformOf
from bellrock.domain.errors import NotFound
from bellrock.domain.kept import KeptKind
from bellrock.services import kept

router = APIRouter(prefix="/v1/status-pages/{statusPageId}/subscriptions", tags=["Status pages"])


@router.get("")
async def list_subscriptions(
    statusPageId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
) -> list[dict[str, str]]:
    """List the subscriptions of a page: none, in this version."""
    await kept.get_kept(platform, caller, KeptKind.STATUS_PAGE, statusPageId)
    return []


@router.delete("/{subscriptionId}", status_code=204)
async def delete_subscription(
    statusPageId: UUID,  # noqa: N803
    subscriptionId: Annotated[str, Path(max_length=200)],  # noqa: N803
    platform: PlatformOf,
    caller: EditCaller,
) -> None:
    """Delete a subscription: there is none that could be deleted."""
    await kept.get_kept(platform, caller, KeptKind.STATUS_PAGE, statusPageId)
    raise NotFound(f"The status page {statusPageId} has no subscription {subscriptionId!r}.")
