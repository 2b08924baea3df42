"""What the reflector makes of an upstream's ways to list, to watch, and to fail at either."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from service.cache import reflector
from service.cache.job_cache import JobCache
from service.cache.watch_window import Cursor
from service.errors import Expired
from tests.cache.jobs import bookmark, event, raw_job, status
from tests.cache.scripted import Turn, reflecting, refused, watch
from tests.upstream import http, json_answer
from tests.waiting import eventually

END = bookmark(10, ends=True)
ONE = event("ADDED", raw_job("one", 5))
TWO = event("ADDED", raw_job("two", 12))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reflector try again at once, however often."""
    monkeypatch.setattr(reflector, "_SHORTEST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(reflector, "_LONGEST_PAUSE_SECONDS", 0.001)


def page(version: int, *jobs: bytes, token: str = "") -> Turn:
    items = b",".join(jobs)
    metadata = msgspec.json.encode({"resourceVersion": str(version), "continue": token})
    head = b'{"kind":"JobList","apiVersion":"batch/v1"'
    return json_answer(200, b'%s,"metadata":%s,"items":[%s]}' % (head, metadata, items))


async def test_the_initial_state_comes_by_a_streaming_list_and_its_watch_goes_on() -> None:
    changes = (event("MODIFIED", raw_job("one", 11)), TWO, event("DELETED", raw_job("one", 13)))
    async with reflecting(watch(ONE, END, *changes, lasts=True)) as found:
        await eventually(lambda: found.cache.window.latest == 13)
        assert found.versions == {"two": 12}
        assert found.cache.window.start == 10
        seen = [(each.type, each.resource_version) for each in await Cursor(found.cache.window, 10).next()]
        assert seen == [("MODIFIED", 11), ("ADDED", 12), ("DELETED", 13)]
        assert found.cache.synced
        assert found.cache.failure is None
        query = found.queries[0]
        assert 300 <= int(query.pop("timeoutSeconds")) <= 600
        assert query == {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
        }
        assert len(found.queries) == 1


async def test_nothing_is_synced_before_the_initial_state_is_complete() -> None:
    told = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield http(200, length=False)
        yield ONE
        # What happens during the initial state is part of it.
        yield event("ADDED", raw_job("gone", 6)) + event("DELETED", raw_job("gone", 7)) + bookmark(8)
        told.set()
        await end.wait()
        yield END
        await asyncio.Event().wait()

    end = asyncio.Event()
    async with reflecting(pieces) as found:
        await told.wait()
        assert not found.cache.synced
        assert not found.cache.settled.is_set()
        end.set()
        await found.cache.settled.wait()
        assert found.versions == {"one": 5}
        assert found.cache.window.latest == 10


@pytest.mark.parametrize("code", [400, 422])
async def test_an_apiserver_without_streaming_lists_is_listed_in_pages(code: int) -> None:
    first = page(10, raw_job("a", 3, as_item=True), raw_job("b", 4, as_item=True), token="more")
    second = page(10, raw_job("c", 5, as_item=True))
    turns = [refused(code, status(code)), first, second, watch(TWO, lasts=True)]
    async with reflecting(*turns) as found:
        await eventually(lambda: found.cache.window.latest == 12)
        assert found.versions == {"a": 3, "b": 4, "c": 5, "two": 12}
        job = found.cache.store.get("default", "a")
        assert job is not None
        assert msgspec.json.decode(job.raw) == msgspec.json.decode(raw_job("a", 3))
        assert job.raw.startswith(b'{"kind":"Job","apiVersion":"batch/v1",')
        assert found.queries[1:3] == [{"limit": "500"}, {"limit": "500", "continue": "more"}]
        assert found.queries[3]["resourceVersion"] == "10"
        assert found.queries[3]["allowWatchBookmarks"] == "true"


@pytest.mark.parametrize("told", [(ONE,), (ONE, bookmark(9)), ()])
async def test_a_stream_that_ends_without_its_end_is_followed_by_a_list_in_pages(told: tuple[bytes, ...]) -> None:
    async with reflecting(watch(*told), page(10, raw_job("one", 5, as_item=True)), watch(lasts=True)) as found:
        await eventually(lambda: len(found.queries) == 3)
        assert found.versions == {"one": 5}
        assert found.cache.failure is None
        assert "sendInitialEvents" not in found.queries[1]
        assert found.queries[2]["resourceVersion"] == "10"


async def test_a_list_whose_later_page_comes_too_late_begins_anew() -> None:
    turns = [
        watch(),
        page(10, raw_job("one", 5, as_item=True), token="late"),
        refused(410, status(410, "Expired")),
        page(20, raw_job("two", 12, as_item=True)),
        watch(lasts=True),
    ]
    async with reflecting(*turns) as found:
        await eventually(lambda: len(found.queries) == 5)
        assert found.versions == {"two": 12}
        assert found.queries[2]["continue"] == "late"
        assert found.queries[3] == {"limit": "500"}
        assert found.queries[4]["resourceVersion"] == "20"


async def test_a_watch_that_ends_goes_on_from_the_last_that_was_told_be_it_a_bookmark() -> None:
    turns = [watch(ONE, END), watch(TWO), watch(bookmark(30)), watch(lasts=True)]
    async with reflecting(*turns) as found:
        await eventually(lambda: len(found.queries) == 4)
        assert [each.get("resourceVersion") for each in found.queries] == [None, "10", "12", "30"]
        assert found.cache.window.start == 10
        await eventually(lambda: found.cache.window.latest == 30)


async def test_a_watch_whose_place_is_forgotten_is_listed_anew_and_the_window_with_it() -> None:
    gone = event("ERROR", status(410, "Expired"))
    # What it did not hear of: one is deleted, two is created.
    again = watch(event("ADDED", raw_job("two", 12)), bookmark(40, ends=True), lasts=True)
    async with reflecting(watch(ONE, END, gone), again) as found:
        await eventually(lambda: found.cache.window.latest == 40)
        assert found.versions == {"two": 12}
        assert (found.cache.window.start, len(found.cache.window)) == (40, 0)
        with pytest.raises(Expired):
            Cursor(found.cache.window, 10)
        assert "sendInitialEvents" in found.queries[1]


async def test_a_watch_that_is_refused_with_410_is_listed_anew() -> None:
    again = watch(bookmark(40, ends=True), lasts=True)
    async with reflecting(watch(ONE, END), refused(410, status(410)), again) as found:
        await eventually(lambda: found.cache.window.latest == 40)
        assert found.versions == {}


async def test_a_watch_that_is_told_another_error_goes_on_from_where_it_was() -> None:
    error = event("ERROR", status(500, "InternalError"))
    async with reflecting(watch(ONE, END, error), watch(TWO, lasts=True)) as found:
        await eventually(lambda: found.versions == {"one": 5, "two": 12})
        assert found.queries[1]["resourceVersion"] == "10"
        assert found.cache.window.start == 10


@pytest.mark.parametrize(
    "broken",
    [
        TWO[:-20],
        TWO[:1],
        b"no JSON at all\n",
        b"\xff\xfe\n",
        b'{"type":"ADDED"}\n',
        b'{"type":"ADDED","object":[]}\n',
        event("ADDED", b'{"metadata":{"resourceVersion":"soon"}}'),
        event("ADDED", b'{"metadata":{"name":"\xff","resourceVersion":"11"}}'),
        event("NONSENSE", b"{}"),
        event("ERROR", b'"no Status"'),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
async def test_a_watch_that_breaks_off_or_talks_nonsense_goes_on_after_the_last_whole_event(
    broken: bytes, cut: bool
) -> None:
    turns = [watch(ONE, END), watch(TWO, broken, cut=cut), watch(event("ADDED", raw_job("three", 13)), lasts=True)]
    async with reflecting(*turns) as found:
        await eventually(lambda: found.cache.window.latest == 13)
        assert found.versions == {"one": 5, "two": 12, "three": 13}
        assert found.queries[2]["resourceVersion"] == "12"
        assert found.cache.window.start == 10


async def test_what_is_told_again_changes_nothing() -> None:
    async with reflecting(watch(ONE, END, TWO), watch(TWO, ONE)) as found:
        await eventually(lambda: len(found.queries) == 3)
        assert [each.resource_version for each in await Cursor(found.cache.window, 10).next()] == [12]


async def test_a_watch_that_is_silent_for_too_long_is_given_up_and_resumed() -> None:
    turns = [watch(ONE, END, lasts=True), watch(TWO, lasts=True)]
    async with reflecting(*turns, silence_seconds=0.2) as found:
        await eventually(lambda: found.versions == {"one": 5, "two": 12})
        assert found.queries[1]["resourceVersion"] == "10"


async def test_a_long_line_may_come_in_pieces_of_any_size() -> None:
    long = event("ADDED", raw_job("long", 11, filling=5 * 1024 * 1024))

    async def pieces() -> AsyncIterator[bytes]:
        yield http(200, length=False)
        yield ONE + END
        for start in range(0, len(long), 10_007):
            yield long[start : start + 10_007]
        for byte in TWO:
            yield bytes([byte])
        await asyncio.Event().wait()

    async with reflecting(pieces) as found:
        await eventually(lambda: found.cache.window.latest == 12)
        job = found.cache.store.get("default", "long")
        assert job is not None
        assert event("ADDED", job.raw) == long
        assert len(found.queries) == 1


async def test_a_cache_that_may_not_list_says_why_and_syncs_once_it_may() -> None:
    forbidden = refused(403, status(403, "Forbidden"))
    async with reflecting(forbidden, None, forbidden, watch(END, lasts=True)) as found:
        await found.cache.settled.wait()
        assert not found.cache.synced
        assert found.cache.failure is not None
        await eventually(lambda: found.cache.synced)
        assert found.cache.failure is None


async def test_a_bug_is_logged_and_begun_anew_with_a_list(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(*_: object) -> None:
        monkeypatch.undo()
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(JobCache, "change", stumble)
    turns = [watch(ONE, END, TWO), watch(ONE, event("ADDED", raw_job("two", 12)), END, lasts=True)]
    async with reflecting(*turns) as found:
        await eventually(lambda: found.versions == {"one": 5, "two": 12})
        assert "sendInitialEvents" in found.queries[1]
    assert "KeyError" in caplog.text
