"""What is asked for at the same moment is done together, and everybody gets an answer."""

import asyncio
from collections.abc import Sequence

import pytest

from bellrock.services.grouped import Grouped, Overloaded


class Doubling:
    """Doubles numbers, a group at a time, as fast as the test lets it. Refuses groups with a 13."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.has_begun = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.grouped: Grouped[int, int] = Grouped(self._double)

    async def _double(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.has_begun.set()
        await self.may_go_on.wait()
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


async def test_everybody_gets_the_answer_to_what_they_asked() -> None:
    doubling = Doubling()
    answers = await asyncio.gather(*(doubling.grouped.ask(number) for number in range(50, 100)))
    assert answers == [2 * number for number in range(50, 100)]
    assert doubling.groups == [list(range(50, 100))]


async def test_who_comes_during_a_group_is_in_the_next_one() -> None:
    doubling = Doubling()
    doubling.may_go_on.clear()
    first = asyncio.create_task(doubling.grouped.ask(1))
    await doubling.has_begun.wait()
    later = [asyncio.create_task(doubling.grouped.ask(number)) for number in (2, 3)]
    doubling.may_go_on.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6]
    assert doubling.groups == [[1], [2, 3]]


async def test_the_fault_of_a_group_is_told_to_all_of_it_and_to_nobody_else() -> None:
    doubling = Doubling()
    answers = await asyncio.gather(
        *(doubling.grouped.ask(number) for number in (12, 13)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [ValueError, ValueError]
    assert await doubling.grouped.ask(12) == 24


async def test_a_group_has_a_size_and_the_queue_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bellrock.services.grouped._MOST_TOGETHER", 4)
    monkeypatch.setattr("bellrock.services.grouped._MOST_WAITING", 10)
    doubling = Doubling()
    answers = await asyncio.gather(
        *(doubling.grouped.ask(number) for number in range(12)), return_exceptions=True
    )
    assert answers[:10] == [2 * number for number in range(10)]
    assert [type(answer) for answer in answers[10:]] == [Overloaded, Overloaded]
    assert [len(group) for group in doubling.groups] == [4, 4, 2]


async def test_a_group_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bellrock.services.grouped._DEADLINE_S", 0.01)
    doubling = Doubling()
    doubling.may_go_on.clear()
    with pytest.raises(TimeoutError):
        await doubling.grouped.ask(1)
    doubling.may_go_on.set()
    assert await doubling.grouped.ask(2) == 4
