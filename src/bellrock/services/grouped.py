"""Many small things that are asked for at the same moment, done together: one transaction, not a hundred."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

_MOST_TOGETHER = 500
_MOST_WAITING = 10_000
_DEADLINE_S = 10.0
_GATHER_S = 0.001
_MOST_GATHERING = 5


class Overloaded(RuntimeError):
    """So many wait already that another would only wait in vain."""


@dataclass(slots=True)
class _Waiting(Generic[Ask, Answer]):
    what: Ask
    answer: "asyncio.Future[Answer]"


class Grouped(Generic[Ask, Answer]):
    """Does one group at a time; who comes meanwhile is in the next one.

    A group is waited for while somebody comes in every millisecond, for five of them at most: a transaction
    for the first of many costs the others more than that.

    ``carry_out`` gets the group in the order of asking, and says as many answers.
    """

    def __init__(self, carry_out: Callable[[Sequence[Ask]], Awaitable[Sequence[Answer]]]) -> None:
        self._carry_out = carry_out
        self._waiting: list[_Waiting[Ask, Answer]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, what: Ask) -> Answer:
        """The answer, once its group is done. Raises what doing the group raised, or Overloaded.

        Who is cancelled gets no answer; what was asked is done all the same.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise Overloaded(f"{_MOST_WAITING} wait already")
        waiting = _Waiting[Ask, Answer](what, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="grouped")
        return await waiting.answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                group, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
                await self._do(group)
        finally:
            self._working = None

    async def _gather(self) -> None:
        for _ in range(_MOST_GATHERING):
            before = len(self._waiting)
            await asyncio.sleep(_GATHER_S)
            if len(self._waiting) == before:
                return

    async def _do(self, group: list[_Waiting[Ask, Answer]]) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                answers = await self._carry_out([each.what for each in group])
        except Exception as error:  # noqa: BLE001 - it is raised where the answers are waited for
            for each in group:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, answer in zip(group, answers, strict=True):
            if not each.answer.done():
                each.answer.set_result(answer)
