"""Runners upload what they kept of a run."""

from collections.abc import AsyncIterator
from uuid import UUID

from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform


async def accept_artifact(
    platform: Platform,
    run_id: UUID,
    *,
    token: UUID,
    name: str,
    content_type: str,
    chunks: AsyncIterator[bytes],
) -> None:
    """Keep one file of a run. Uploading a name again replaces it.

    The token is good while it holds the run, and for 120 s after its own final report. Raises
    Unauthenticated for any other token, Invalid for an unsafe name, TooLarge over the run's total.
    """
    raise NotBuilt("artifacts")
