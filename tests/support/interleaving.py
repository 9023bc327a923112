"""Actions that take turns, from one step of the database to the next, in an order drawn from a seed."""

import asyncio
import random
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar

_DEADLINE_S = 30.0
_acting: ContextVar[str | None] = ContextVar("_acting", default=None)

Action = Coroutine[object, object, object]


class Interleaving:
    """Holds every action at every step; one at a time goes on to its next.

    One that does not get there within ``grace_s`` waits for a lock that another holds: then another goes
    on beside it. ``order`` says who went on, step by step.
    """

    def __init__(self, seed: str, *, grace_s: float) -> None:
        self.order: list[str] = []
        self._grace_s = grace_s
        self._random = random.Random(seed)
        # Few changes of turn bring other orders to light than many.
        self._stays = self._random.choice([0.0, 0.5, 0.85])
        self._held: list[tuple[str, asyncio.Future[None]]] = []
        self._moved = asyncio.Event()

    async def step(self, _where: str) -> None:
        """Wait for this action's turn. Whatever runs outside of `run` is never held."""
        name = _acting.get()
        if name is None:
            return
        turn = asyncio.get_running_loop().create_future()
        self._held.append((name, turn))
        self._moved.set()
        await turn

    async def run(self, actions: Mapping[str, Action]) -> None:
        """Carry out all the actions. Raises what they raise, and TimeoutError for those that never end."""
        tasks = [asyncio.create_task(self._act(name, action)) for name, action in actions.items()]
        for task in tasks:
            task.add_done_callback(lambda _: self._moved.set())
        try:
            async with asyncio.timeout(_DEADLINE_S):
                while not all(task.done() for task in tasks):
                    await self._next_turn()
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _act(self, name: str, action: Action) -> None:
        _acting.set(name)
        await self.step("start")
        await action

    async def _next_turn(self) -> None:
        longest_s = None  # nobody is held: those who go on will move
        self._moved.clear()
        if self._held:
            longest_s = self._grace_s
            name, turn = self._held.pop(self._chosen())
            self.order.append(name)
            turn.set_result(None)
        try:
            async with asyncio.timeout(longest_s):
                await self._moved.wait()
        except TimeoutError:
            return

    def _chosen(self) -> int:
        last = self.order[-1] if self.order else None
        same = [place for place, (name, _) in enumerate(self._held) if name == last]
        if same and self._random.random() < self._stays:
            return same[0]
        return self._random.randrange(len(self._held))
