"""Shared reads, without a socket: who gets which read, whatever the order in which things happen."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.singleflight import SharedReads


class Source:
    """Reads that end when they are told to, and bring the number of the moment at which they began."""

    def __init__(self) -> None:
        self.reads: SharedReads[int] = SharedReads()
        self.moments = count()
        self.begun: list[asyncio.Event] = []
        self.under_way: list[asyncio.Event] = []

    async def fetch(self) -> int:
        began, over = next(self.moments), asyncio.Event()
        self.begun.append(over)
        self.under_way.append(over)
        try:
            await over.wait()
        finally:
            self.under_way.remove(over)
        return began

    async def ask(self) -> None:
        asked = next(self.moments)
        assert await self.reads.read("key", self.fetch) > asked

    def is_forgotten(self) -> bool:
        return not self.reads._next and not self.reads._under_way


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def ended(*callers: "asyncio.Task[None]") -> None:
    for caller in callers:
        with suppress(asyncio.CancelledError):
            await caller


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "finish", "leave"]), st.integers(0, 5), st.integers(0, 6)), max_size=30
)


@given(OPERATIONS)
async def test_nobody_gets_a_read_that_began_before_they_asked_and_nothing_is_left(
    operations: Sequence[tuple[str, int, int]],
) -> None:
    source, callers = Source(), list[asyncio.Task[None]]()
    for name, which, pause in operations:
        if name == "ask":
            callers.append(asyncio.create_task(source.ask()))
        elif name == "finish" and source.under_way:
            source.under_way[which % len(source.under_way)].set()
        elif name == "leave" and callers:
            callers[which % len(callers)].cancel()
        await turns(pause)
    while not all(caller.done() for caller in callers):
        for over in source.under_way:
            over.set()
        await turns(1)
    await ended(*callers)
    assert source.is_forgotten()
    assert not source.under_way


@pytest.mark.parametrize("pause", range(8))
async def test_the_last_who_leaves_as_the_read_before_ends_does_not_end_the_read_of_others(pause: int) -> None:
    source = Source()
    first = asyncio.create_task(source.ask())
    await turns(1)
    leaving = asyncio.create_task(source.ask())
    await turns(3)
    source.begun[0].set()
    await turns(pause)
    leaving.cancel()
    # Whoever comes from then on is answered.
    others = [asyncio.create_task(source.ask()) for _ in range(3)]
    await turns(5)
    while not all(each.done() for each in others):
        for over in source.under_way:
            over.set()
        await turns(1)
    await asyncio.gather(*others)
    await ended(first, leaving)
    assert source.is_forgotten()


async def test_who_asks_in_the_same_turn_shares_one_read() -> None:
    source = Source()
    callers = [asyncio.create_task(source.ask()) for _ in range(51)]
    await turns(3)
    assert len(source.begun) == 1
    source.begun[0].set()
    await asyncio.gather(*callers)
    assert len(source.begun) == 1
    assert source.is_forgotten()


async def test_many_who_ask_while_one_reads_share_exactly_one_more() -> None:
    source = Source()
    callers = [asyncio.create_task(source.ask())]
    await turns(3)
    callers += [asyncio.create_task(source.ask()) for _ in range(50)]
    await turns(3)
    assert len(source.begun) == 1
    source.begun[0].set()
    await turns(6)
    assert len(source.begun) == 2
    source.begun[1].set()
    await asyncio.gather(*callers)
    assert len(source.begun) == 2
    assert source.is_forgotten()


async def test_a_failure_is_everyones_who_shares() -> None:
    reads: SharedReads[None] = SharedReads()
    over = asyncio.Event()

    async def fail() -> None:
        await over.wait()
        raise LookupError("of the read")

    callers = [asyncio.create_task(reads.read("key", fail)) for _ in range(5)]
    await turns(3)
    over.set()
    assert [type(each) for each in await asyncio.gather(*callers, return_exceptions=True)] == [LookupError] * 5
    assert not reads._next
    assert not reads._under_way


async def test_other_keys_do_not_wait() -> None:
    source = Source()
    callers = [asyncio.create_task(source.reads.read(key, source.fetch)) for key in ("a", "b", "c")]
    await turns(3)
    assert len(source.begun) == 3
    for over in source.begun:
        over.set()
    await asyncio.gather(*callers)
