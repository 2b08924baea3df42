"""A page that follows Jobs with the browser's own EventSource, as the documentation tells pages to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Any

import pytest
from aiohttp import web

from tests.browser.chromium import Chromium, Page
from tests.conftest import StartService
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.waiting import WATCHDOG_SECONDS

pytestmark = pytest.mark.browser

# Leaves behind, in the page: `state`, the objects by name; `seen`, each event's type, name and lastEventId;
# `opened`, how often a stream has begun.
FOLLOW = """(path => {
    const stream = new EventSource(path)
    Object.assign(window, {stream, state: {}, seen: [], opened: 0, place: ""})
    const on = (type, change) => stream.addEventListener(type, event => {
        const object = JSON.parse(event.data)
        place = event.lastEventId
        seen.push([type, object.metadata.name ?? null, event.lastEventId])
        change(object)
    })
    const put = object => { state[object.metadata.name] = object }
    on("ADDED", put)
    on("MODIFIED", put)
    on("DELETED", object => { delete state[object.metadata.name] })
    on("BOOKMARK", () => {})
    on("ERROR", () => { state = {} })
    stream.addEventListener("open", () => {
        opened += 1
        if (!place) state = {}
    })
})"""


class End(Enum):
    """How a stream ends, once the test says so: as HTTP has it, or in the middle of it."""

    CLEAN = auto()
    CUT = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request for the stream is answered with."""

    body: str = ""
    end: End = End.CLEAN
    status: int = 200


def event(type_: str, data: dict[str, Any], *fields: str) -> str:
    """Return an event as it travels."""
    return "\n".join((f"event: {type_}", f"data: {json.dumps(data)}", *fields, "", ""))


def named(name: str, version: int = 1) -> dict[str, Any]:
    return {"kind": "Job", "metadata": {"name": name, "resourceVersion": str(version)}}


GONE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410}
# Without it, a browser waits for some seconds before it connects again.
SOON = "retry: 50\n\n"


@dataclass(slots=True)
class StandIn:
    """A server that answers each request for its stream with the next of its answers.

    Attributes:
        answers: what is still to be answered.
        url: where it listens; the stream is at /events.
        asked_from: each request's Last-Event-ID, None where it had none.
        accepted: each request's Accept.
    """

    answers: list[Answer]
    url: str = ""
    asked_from: list[str | None] = field(default_factory=list)
    accepted: list[str | None] = field(default_factory=list)
    _ends: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def end(self) -> None:
        """End one stream, now or later; what came just before a cut, a browser may drop unread."""
        self._ends.release()

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>jobs</title>", content_type="text/html")

    async def events(self, request: web.Request) -> web.StreamResponse:
        self.asked_from.append(request.headers.get("Last-Event-ID"))
        self.accepted.append(request.headers.get("Accept"))
        answer = self.answers.pop(0)
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if answer.status == 200:
            await response.write(answer.body.encode())
            await self._ends.acquire()  # when the browser hangs up, this is cancelled
        if answer.end is End.CUT:
            assert request.transport is not None
            request.transport.abort()
        return response


@asynccontextmanager
async def standing_in(*answers: Answer) -> AsyncIterator[StandIn]:
    stand_in = StandIn(list(answers))
    app = web.Application()
    app.router.add_get("/", stand_in.page)
    app.router.add_get("/events", stand_in.events)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stand_in
    finally:
        await runner.cleanup()


StartStandIn = Callable[..., Awaitable[StandIn]]


@pytest.fixture
async def start_stand_in() -> AsyncIterator[StartStandIn]:
    """Return a function that starts a stand-in for the service; it stands until the browser is gone."""
    async with AsyncExitStack() as stack:

        async def start(*answers: Answer) -> StandIn:
            return await stack.enter_async_context(standing_in(*answers))

        yield start


async def follow(page: Page, path: str) -> None:
    await page.evaluate(f"{FOLLOW}({json.dumps(path)})")


@pytest.mark.parametrize("end", [End.CLEAN, End.CUT])
async def test_a_page_that_is_told_410_starts_afresh(
    start_stand_in: StartStandIn, chromium: Chromium, end: End
) -> None:
    initial = event("ADDED", named("one")) + event("ADDED", named("two"))
    stand_in = await start_stand_in(
        Answer(SOON + initial + "id: 5\n\n" + event("MODIFIED", named("two", 6), "id: 6"), end),
        Answer(event("ERROR", GONE, "id:", "retry: 50"), end),
        Answer(event("ADDED", named("two", 6)) + event("ADDED", named("three", 8)) + "id: 9\n\n"),
    )
    page = await chromium.open(stand_in.url)
    await follow(page, "/events")
    for seen in (3, 4):
        await page.until(f"seen.length == {seen}")
        stand_in.end()
    await page.until("'three' in state")
    assert await page.evaluate("seen") == [
        ["ADDED", "one", ""],
        ["ADDED", "two", ""],
        ["MODIFIED", "two", "6"],
        ["ERROR", None, ""],
        ["ADDED", "two", ""],
        ["ADDED", "three", ""],
    ]
    assert await page.evaluate("state") == {"two": named("two", 6), "three": named("three", 8)}
    assert await page.evaluate("opened") == 3
    # After an empty id the header is not there, rather than there and empty.
    assert stand_in.asked_from == [None, "6", None]
    assert stand_in.accepted == ["text/event-stream"] * 3


@pytest.mark.parametrize("end", [End.CLEAN, End.CUT])
async def test_an_id_without_an_event_is_where_a_browser_resumes_and_no_page_sees_it(
    start_stand_in: StartStandIn, chromium: Chromium, end: End
) -> None:
    stand_in = await start_stand_in(
        Answer(SOON + event("ADDED", named("one")) + "id: 5\n\n", end),
        Answer(event("MODIFIED", named("one", 6), "id: 6")),
    )
    page = await chromium.open(stand_in.url)
    await follow(page, "/events")
    await page.until("seen.length == 1")
    stand_in.end()
    await page.until("seen.length == 2")
    assert await page.evaluate("seen") == [["ADDED", "one", ""], ["MODIFIED", "one", "6"]]
    assert stand_in.asked_from == [None, "5"]


@pytest.mark.parametrize("end", [End.CLEAN, End.CUT])
async def test_a_stream_that_ends_within_the_initial_state_is_begun_again(
    start_stand_in: StartStandIn, chromium: Chromium, end: End
) -> None:
    stand_in = await start_stand_in(
        Answer(SOON + event("ADDED", named("one")), end),
        Answer(event("ADDED", named("one")) + event("ADDED", named("two")) + "id: 5\n\n"),
    )
    page = await chromium.open(stand_in.url)
    await follow(page, "/events")
    await page.until("'one' in state")
    stand_in.end()
    await page.until("'two' in state")
    assert stand_in.asked_from == [None, None]


@pytest.mark.parametrize("end", [End.CLEAN, End.CUT])
async def test_an_event_that_did_not_arrive_whole_is_none_and_neither_is_its_id(
    start_stand_in: StartStandIn, chromium: Chromium, end: End
) -> None:
    whole = event("MODIFIED", named("one", 7), "id: 7")
    stand_in = await start_stand_in(
        Answer(SOON + event("ADDED", named("one")) + "id: 5\n\n" + whole.removesuffix("\n"), end), Answer(whole)
    )
    page = await chromium.open(stand_in.url)
    await follow(page, "/events")
    await page.until("seen.length == 1")
    stand_in.end()
    await page.until("seen.length == 2")
    assert await page.evaluate("seen") == [["ADDED", "one", ""], ["MODIFIED", "one", "7"]]
    assert stand_in.asked_from == [None, "5"]


@pytest.mark.parametrize("status", [204, 401, 410, 429, 500, 503])
async def test_an_answer_that_is_no_200_is_the_last_that_a_browser_asks_for(
    start_stand_in: StartStandIn, chromium: Chromium, status: int
) -> None:
    stand_in = await start_stand_in(
        Answer(SOON + event("ADDED", named("one")) + "id: 5\n\n"), Answer(status=status)
    )
    page = await chromium.open(stand_in.url)
    await follow(page, "/events")
    await page.until("'one' in state")
    stand_in.end()
    await page.until("stream.readyState === EventSource.CLOSED")
    assert stand_in.asked_from == [None, "5"]


# From here on it is the service itself.

NAMESPACE = "browser"
STREAM = f"{jobs(NAMESPACE)}?watch=true"


async def create(page: Page, name: str) -> None:
    body = json.dumps(suspended(name).decode())
    sent = f"{{method: 'POST', headers: {{'Content-Type': 'application/yaml'}}, body: {body}}}"
    assert await page.evaluate(f"fetch('{jobs(NAMESPACE)}', {sent}).then(got => got.status)") == 201


async def delete(page: Page, name: str) -> None:
    gone = await page.evaluate(f"fetch('{job(NAMESPACE, name)}', {{method: 'DELETE'}}).then(got => got.status)")
    assert gone == 200


def bare(objects: dict[str, Any]) -> dict[str, Any]:
    """Return objects without what a list says once for all of its items."""
    return {
        name: {key: value for key, value in each.items() if key not in ("apiVersion", "kind")}
        for name, each in objects.items()
    }


async def until_as_listed(page: Page, *names: str) -> None:
    """Wait until the page knows these Jobs, and each exactly as a fresh list has it."""
    both = f"""(async () => {{
        if (stream.readyState === EventSource.CLOSED) throw new Error("the stream was refused")
        const list = await (await fetch("{jobs(NAMESPACE)}")).json()
        return [state, Object.fromEntries(list.items.map(each => [each.metadata.name, each]))]
    }})()"""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while True:
            state, listed = map(bare, await page.evaluate(both))
            if state == listed and set(state) == set(names):
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("cache", [True, False])
async def test_a_page_knows_what_a_list_knows(start_service: StartService, chromium: Chromium, cache: bool) -> None:
    url = await start_service(sandbox=True, cache=cache)
    page = await chromium.open(f"{url}/livez")
    await create(page, "before")
    await follow(page, STREAM)
    await until_as_listed(page, "before")
    await create(page, "one")
    await create(page, "two")
    await until_as_listed(page, "before", "one", "two")
    await delete(page, "one")
    await until_as_listed(page, "before", "two")
    assert await page.evaluate("opened") == 1
    assert all(each.startswith(url) for each in page.requests)


async def make_gone(page: Page) -> None:
    """Let things happen until, between two streams, more has happened than the service remembers."""
    for number in count():
        if await page.evaluate("seen.some(([type]) => type === 'ERROR')"):
            return
        await create(page, f"noise-{number}")
        await delete(page, f"noise-{number}")


async def test_a_page_whose_place_is_forgotten_starts_afresh_by_itself(
    start_service: StartService, chromium: Chromium
) -> None:
    # Ten changes are enough for a page that reads, and few for one that is away for seconds.
    url = await start_service(sandbox=True, cache=True, watch_window_changes=10)
    page = await chromium.open(f"{url}/livez")
    await create(page, "stays")
    await create(page, "goes")
    await follow(page, f"{STREAM}&timeoutSeconds=1")
    await until_as_listed(page, "stays", "goes")
    async with asyncio.timeout(WATCHDOG_SECONDS):
        await make_gone(page)
    # The page has no stream now that could tell of these two, for as long as it was told to stay away.
    await delete(page, "goes")
    await create(page, "comes")
    await until_as_listed(page, "stays", "comes")
    assert await page.evaluate("seen.find(([type]) => type === 'ERROR')") == ["ERROR", None, ""]
    again = "seen.slice(seen.findLastIndex(([type]) => type === 'ERROR') + 1)"
    assert ["ADDED", "stays", ""] in await page.evaluate(again)
