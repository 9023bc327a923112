"""Other callers of an account, each with a role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.api_client import Api
from tests.support.server import TestAccount


@asynccontextmanager
async def with_role(api: Api, role: str) -> AsyncIterator[Api]:
    """A caller of the same account whose key has this role."""
    assert api.account
    new = await api.post("/v1/api-keys", {"name": role, "role": role})
    caller = Api(api.server, TestAccount(api.account.id, new["secret"]), checkers=api.checkers)
    try:
        yield caller
    finally:
        await caller.close()
