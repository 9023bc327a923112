"""Code bundles: stored once per content, handed to the runner that holds a run."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from bellrock.domain.access import Principal
from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """A bundle by its key, which is made of its content."""

    key: str
    size_bytes: int


async def store_bundle(
    platform: Platform, principal: Principal, chunks: AsyncIterator[bytes]
) -> StoredBundle:
    """Keep a tar.gz. Raises TooLarge over the limit, Invalid for what is no gzip file. Needs RUN."""
    raise NotBuilt("bundles")


async def bundle_for_run(platform: Platform, run_id: UUID, *, token: UUID, key: str) -> AsyncIterator[bytes]:
    """The bundle of a run, for the runner that holds it.

    Raises Unauthenticated for a token that does not hold the run, NotFound for another key.
    """
    raise NotBuilt("bundles")
