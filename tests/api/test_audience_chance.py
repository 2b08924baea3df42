"""Whatever happens to an audience, in whatever order: nobody misses a change, and nobody is told one twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api import audience
from tests.api.watchers import OTHERS, TEAM, Watcher, Watching, cache_at, change, settled

_BEGIN = 10


class Reader:
    """One who watches, and comes back to where its last stream has left it.

    Attributes:
        since: the moment from which on it is told everything.
        watcher: its present stream, or its last.
    """

    def __init__(self, watching: Watching, since: int, watcher: Watcher) -> None:
        self.since = since
        self.watcher = watcher
        self._watching = watching
        self._place = since
        self._earlier: list[int] = []

    @property
    def told(self) -> list[int]:
        return self._earlier + self.watcher.versions

    async def come_back(self, model: "Model") -> None:
        """Leave, and go on from the last place that was told."""
        farewell = await self.watcher.leave()
        self._watching.remove(self.watcher)
        last = max([self._place, *self.watcher.versions])
        self._place = (
            int(msgspec.json.decode(farewell)["object"]["metadata"]["resourceVersion"]) if farewell else last
        )
        assert self._place > last or not (farewell and self.watcher.versions), "the last event has told it"
        assert self.told == model.between(self.since, self._place)
        self._earlier = self.told
        self.watcher = self._watching.join(model.cache, self._place, bookmarks=True)


class Model:
    """What happened, what is not known of it, and who was told."""

    def __init__(self, most_changes: int) -> None:
        self.cache = cache_at(_BEGIN, most_changes)
        self.watching = Watching()
        self.readers: list[Reader] = []
        self._seen: list[int] = []
        self._unseen: set[int] = set()

    def between(self, since: int, until: int) -> list[int]:
        """Return what is selected of what happened after a moment, up to another."""
        return [version for version in self._seen if since < version <= until]

    def add(self, step: int, is_selected: bool) -> None:
        version = self.cache.window.latest + step
        change(self.cache, version, TEAM if is_selected else OTHERS)
        if is_selected:
            self._seen.append(version)

    def progress(self, step: int, is_tick: bool) -> None:
        self.cache.progress(self.cache.window.latest + step)
        if is_tick:
            self.cache.window.wake()

    def reset(self, step: int) -> None:
        """Begin anew later on; there may have been a change at each moment that was missed."""
        latest = self.cache.window.latest
        self._unseen.update(range(latest + 1, latest + step + 1))
        self.cache.replace([], latest + step)

    def join(self, back: int) -> None:
        since = max(self.cache.window.latest - back, _BEGIN)
        watcher = self.watching.join(self.cache, since, bookmarks=True)
        self.readers.append(Reader(self.watching, since, watcher))

    def check(self) -> None:
        latest = self.cache.window.latest
        for reader in self.readers:
            if reader.watcher.end is None:
                assert reader.told == self.between(reader.since, latest)
                assert not self._unseen.intersection(range(reader.since + 1, latest + 1))
                continue
            assert reader.watcher.end == "410"
            told = reader.told
            assert told == self.between(reader.since, max([reader.since, *told]))
            assert max([reader.since, *told]) < self.cache.window.start

    async def finish(self) -> None:
        """Let all read, and be told whatever there is."""
        for reader in self.readers:
            reader.watcher.room.set()
        for _ in range(3):
            await settled()
            self.cache.window.wake()
        await settled()

    async def do(self, name: str, number: int, flag: bool) -> None:
        match name:
            case "leave" | "room" | "come back":
                if self.readers:
                    await self._let(self.readers[number % len(self.readers)], name, flag)
            case "add":
                self.add(number % 3 + 1, flag)
            case "progress":
                self.progress(number // 2, flag)
            case "reset":
                self.reset(number % 4)
            case "join":
                self.join(number - 2)
            case "turns":
                await turns(number // 2)

    async def _let(self, reader: Reader, name: str, flag: bool) -> None:
        match name:
            case "leave":
                self.readers.remove(reader)
                await reader.watcher.leave()
            case "room":
                (reader.watcher.room.set if flag else reader.watcher.room.clear)()
            case "come back" if reader.watcher.end is None:
                await reader.come_back(self)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@asynccontextmanager
async def modelled(most_changes: int, at_a_time: int) -> AsyncIterator[Model]:
    """Return a model, and check it in the end."""
    model = Model(most_changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audience, "_TOLD_AT_A_TIME", at_a_time)
        try:
            yield model
            await model.finish()
            model.check()
        finally:
            await model.watching.leave()


NAMES = ["add"] * 4 + ["turns"] * 4 + ["join", "progress", "room", "come back"] * 2 + ["leave", "reset"]
OPERATIONS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9), st.booleans()), max_size=80)


@settings(max_examples=200)
@given(st.sampled_from([1, 1, 2, 100]), st.sampled_from([3, 12, 1_000]), st.integers(0, 8), OPERATIONS)
async def test_no_series_of_joins_leaves_refusals_changes_and_resets_leaves_a_member_with_a_gap(
    at_a_time: int, most_changes: int, members: int, operations: Sequence[tuple[str, int, bool]]
) -> None:
    async with modelled(most_changes, at_a_time) as model:
        for _ in range(members):
            model.join(2)
        await settled()
        for operation in operations:
            await model.do(*operation)


@given(OPERATIONS)
async def test_who_reads_at_once_is_told_all_by_its_audience_and_is_never_too_late(
    operations: Sequence[tuple[str, int, bool]],
) -> None:
    """However little the window holds, and whoever else there is, who joins and leaves as it likes."""
    async with modelled(3, 100) as model:
        model.join(2)
        await settled()
        (steady,) = model.readers
        for name, number, flag in operations:
            if name in {"add", "progress"}:
                await model.do(name, number, flag)
                await settled()
            elif name == "join":
                model.watching.join(model.cache, model.cache.window.latest)
            elif name == "leave" and len(model.watching) > 1:
                await model.watching.pop().leave()
    assert steady.watcher.end is None
    assert not steady.watcher.own
