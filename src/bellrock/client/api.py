"""The client: one object per server, with a part for each kind of thing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bellrock.client.resources import Accounts, Checks, Projects
from bellrock.client.sessions import CheckSessions, TestSessions, UnrecordedSessions
from bellrock.client.transport import Server, Transport


class BellrockClient:
    """All of the API over one transport."""

    def __init__(self, transport: Transport) -> None:
        self.server = transport.server
        self.accounts = Accounts(transport)
        self.checks = Checks(transport)
        self.projects = Projects(transport)
        self.test_sessions = TestSessions(transport)
        self.check_sessions = CheckSessions(transport)
        self.unrecorded_sessions = UnrecordedSessions(transport)


@asynccontextmanager
async def connect(server: Server) -> AsyncIterator[BellrockClient]:
    """A client that lives as long as the block. No request is made to open it."""
    async with Transport(server) as transport:
        yield BellrockClient(transport)
