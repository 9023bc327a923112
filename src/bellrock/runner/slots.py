"""How many runs a location of this runner carries out at once."""

import asyncio


class Slots:
    """A counted number of places. An offer is taken only for a free one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._freed = asyncio.Condition()

    @property
    def busy(self) -> int:
        """How many are taken."""
        return self.count - self._free

    async def acquire(self) -> None:
        """Wait for a free place and take it. Has no deadline: a run holds its place for its own."""
        async with self._freed:
            while self._free == 0:
                await self._freed.wait()
            self._free -= 1

    async def release(self) -> None:
        """Give a place back."""
        async with self._freed:
            self._free += 1
            self._freed.notify_all()
