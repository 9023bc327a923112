"""A database that lets a test in between any two steps: to hold an action there, or to crash it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util.concurrency import await_

from bellrock.store.database import Database

Step = Callable[[str], Awaitable[None]]
"""Told where an action stands: `statement` or `commit` comes next, or it `committed`."""


async def go_on(_where: str) -> None:
    """Hold nothing."""


class SteppedDatabase(Database):
    """The same connections as another database's. ``step`` is awaited at every step, and may raise.

    What is raised before a commit rolls the transaction back, as the end of the process would.
    """

    def __init__(self, plain: Database, step: Step = go_on) -> None:
        super().__init__(readers=plain._readers, writers=plain._writers)
        self.step = step
        for engine in (self._readers, self._writers):
            event.listen(engine.sync_engine, "before_cursor_execute", self._before_statement)

    def _before_statement(self, *_statement: object) -> None:
        await_(self.step("statement"))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with super().write() as connection:
            yield connection
            await self.step("commit")
        await self.step("committed")
