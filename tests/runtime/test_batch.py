"""What waits goes together, and nobody answers for another."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from hub.kernel.errors import Conflict
from hub.runtime.batch import Batch

MOST = 4


@dataclass
class Acting:
    """Notes what it is given, and answers it, doubled, as soon as it may."""

    seen: list[list[int]] = field(default_factory=list[list[int]])
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    most: int = 0
    """How many ran side by side."""

    async def __call__(self, asked: Sequence[int]) -> Sequence[int | Exception]:
        self.seen.append(list(asked))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go_on.wait()
        finally:
            self.running -= 1
        if 13 in asked:
            raise ValueError("thirteen")
        if 666 in asked:
            raise asyncio.CancelledError
        return [Conflict("odd", "odd") if each % 2 else each * 2 for each in asked]


@pytest.fixture
def acting() -> Acting:
    return Acting()


@pytest.fixture
def batch(acting: Acting) -> Batch[int, int]:
    acting.go_on.set()
    return Batch(acting, most=MOST)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def held(batch: Batch[int, int], acting: Acting, *asked: int) -> list["asyncio.Task[int]"]:
    """The first is being done, the others wait."""
    acting.go_on.clear()
    tasks = [asyncio.ensure_future(batch(asked[0]))]
    await settled()
    tasks += [asyncio.ensure_future(batch(each)) for each in asked[1:]]
    await settled()
    return tasks


async def test_one_alone_goes_at_once(batch: Batch[int, int], acting: Acting) -> None:
    assert await batch(2) == 4
    assert await batch(4) == 8
    assert acting.seen == [[2], [4]]


async def test_what_comes_at_the_same_moment_goes_together(batch: Batch[int, int], acting: Acting) -> None:
    assert await asyncio.gather(*(batch(each) for each in (2, 4, 6))) == [4, 8, 12]
    assert acting.seen == [[2, 4, 6]]


async def test_what_waits_goes_together_in_the_order_in_which_it_came(batch: Batch[int, int], acting: Acting) -> None:
    tasks = await held(batch, acting, 2, 8, 6, 4)
    assert acting.seen == [[2]]
    acting.go_on.set()
    assert await asyncio.gather(*tasks) == [4, 16, 12, 8]
    assert acting.seen == [[2], [8, 6, 4]]


async def test_at_most_so_many_go_together(batch: Batch[int, int], acting: Acting) -> None:
    asked = [each * 2 for each in range(10)]
    assert await asyncio.gather(*(batch(each) for each in asked)) == [each * 2 for each in asked]
    assert acting.seen == [asked[:4], asked[4:8], asked[8:]]


async def test_one_is_done_at_a_time(batch: Batch[int, int], acting: Acting) -> None:
    tasks = await held(batch, acting, 2, 4, 6, 8)
    acting.go_on.set()
    await asyncio.gather(*tasks)
    assert acting.most == 1


async def test_as_many_are_done_side_by_side_as_there_are_lanes(acting: Acting) -> None:
    batch = Batch(acting, most=MOST, lanes=2)
    tasks = await held(batch, acting, 2)
    for each in (4, 6, 8):
        tasks.append(asyncio.ensure_future(batch(each)))
        await settled()
    assert acting.seen == [[2], [4]]
    acting.go_on.set()
    assert await asyncio.gather(*tasks) == [4, 8, 12, 16]
    assert (acting.most, acting.seen) == (2, [[2], [4], [6, 8]])
    assert await batch(10) == 20


async def test_a_canceled_lane_leaves_who_waits_to_the_other(acting: Acting) -> None:
    batch = Batch(acting, most=MOST, lanes=2)
    tasks = [*await held(batch, acting, 666), asyncio.ensure_future(batch(2))]
    await settled()
    tasks.append(asyncio.ensure_future(batch(4)))
    await settled()
    acting.go_on.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [4, 8]


async def test_each_is_answered_for_itself(batch: Batch[int, int]) -> None:
    answers = await asyncio.gather(*(batch(each) for each in (2, 3, 4)), return_exceptions=True)
    assert (answers[0], answers[2]) == (4, 8)
    assert isinstance(answers[1], Conflict)


async def test_who_goes_away_while_waiting_is_not_done_and_takes_nothing_from_the_others(batch: Batch[int, int], acting: Acting) -> None:
    tasks = await held(batch, acting, 2, 4, 6)
    tasks[1].cancel()
    await settled()
    acting.go_on.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (answers[0], answers[2]) == (4, 12)
    assert isinstance(answers[1], asyncio.CancelledError)
    assert acting.seen == [[2], [6]]


async def test_who_goes_away_while_it_is_done_takes_nothing_from_the_others(batch: Batch[int, int], acting: Acting) -> None:
    acting.go_on.clear()
    tasks = [asyncio.ensure_future(batch(each)) for each in (2, 3, 4)]
    await settled()
    tasks[0].cancel()
    tasks[1].cancel()
    acting.go_on.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in answers] == [asyncio.CancelledError, asyncio.CancelledError, int]
    assert acting.seen == [[2, 3, 4]]


async def test_where_all_have_gone_nothing_is_done(batch: Batch[int, int], acting: Acting) -> None:
    tasks = await held(batch, acting, 2, 4)
    for task in tasks:
        task.cancel()
    acting.go_on.set()
    await settled()
    assert acting.seen == [[2]]
    assert await batch(6) == 12


async def test_what_it_raises_is_everybodys_and_the_next_are_served(batch: Batch[int, int], acting: Acting) -> None:
    tasks = await held(batch, acting, 13, 4)
    acting.go_on.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], ValueError)
    assert answers[1] == 8
    both = await asyncio.gather(batch(13), batch(2), return_exceptions=True)
    assert [type(each) for each in both] == [ValueError, ValueError]
    assert await batch(2) == 4


async def test_where_it_is_canceled_nobody_waits_for_ever_and_the_next_are_served(batch: Batch[int, int], acting: Acting) -> None:
    tasks = await held(batch, acting, 666, 4)
    acting.go_on.set()
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in answers] == [asyncio.CancelledError, asyncio.CancelledError]
    assert await batch(4) == 8


async def test_who_asks_in_answer_to_an_answer_is_served(batch: Batch[int, int]) -> None:
    async def twice(asked: int) -> int:
        return await batch(await batch(asked))

    assert await asyncio.gather(*(twice(each) for each in (2, 4, 6))) == [8, 16, 24]
