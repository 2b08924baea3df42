"""What the service's watches tell is what the apiserver's own tell, byte for byte, over a long story."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.sandbox.store import Store
from tests.callers import Caller
from tests.contract.conftest import Backend
from tests.contract.event_source import EventStream, streaming
from tests.contract.job_changes import brief, create, create_from, delete, quiet, relabel
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, jobs
from tests.contract.served import Served, serving
from tests.contract.waiting import at_rest, job_when
from tests.contract.watching import ALL_JOBS, Event, Watch, present, selecting, watching
from tests.waiting import WATCHDOG_SECONDS

# The Job with which the story ends; it has a label of every selector's liking.
LAST = "last"
FINISHED = "finished"
SELECTORS = {
    "everything": "",
    "in": selecting("group in (a,b)"),
    "notin": selecting("group notin (c)"),
    "exists": selecting("group"),
    "one name": selecting(fields=f"metadata.name={FINISHED}"),
    "without success": selecting(fields="status.successful=0"),
    "with success": selecting(fields="status.successful=1"),
    "labels and fields": selecting("group!=c", f"metadata.name!={FINISHED}"),
}
# These do not see the last Job, and end when the finished one's last state is told.
END_EARLIER = {"one name", "with success"}


@pytest.fixture
async def services(
    backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession
) -> AsyncIterator[dict[str, Served]]:
    """Return the service with its cache and without, both of which see the same story."""
    async with (
        serving(backend, tmp_path, http_client, cache=True) as cached,
        serving(backend, tmp_path, http_client, cache=False) as uncached,
    ):
        yield {"cache": cached, "no cache": uncached}


def paths(namespace: str) -> dict[str, tuple[str, str, str]]:
    """Return each watch: the apiserver's path, the service's, and the query."""
    of_all = selecting(fields=f"metadata.namespace={namespace}")
    return {
        **{name: (direct_jobs(namespace), jobs(namespace), query) for name, query in SELECTORS.items()},
        "of all namespaces": ("/apis/batch/v1/jobs", ALL_JOBS, of_all),
    }


async def happen(direct: Caller, store: Store | None, namespace: str) -> tuple[int, int]:
    """Have the story happen; return the versions of the finished Job's last state, and of the last Job."""
    await create(direct, namespace, "b", labels="{group: b}")
    # What Go's and Python's JSON write in different ways, were it written again.
    odd = b'metadata: {annotations: {odd: "\\u2028 \\u00e9 <&> \\\\ \\" \\u007f \\U0001F600"}, '
    await create_from(direct, namespace, quiet("a", "{group: a}").replace(b"metadata: {", odd, 1))
    await create_from(direct, namespace, suspended("still", "{group: c}"))
    await create_from(direct, namespace, brief("runs", "{group: a}"))
    await relabel(direct, store, namespace, "a", {"group": "c", "text": "x"})
    await relabel(direct, store, namespace, "b", {"group": None})
    await at_rest(direct, namespace, "still")
    await relabel(direct, store, namespace, "a", {"group": "b"})
    await job_when(direct, namespace, "runs", is_complete)
    for name, policy in (("a", "Background"), ("runs", "Foreground"), ("still", "Orphan"), ("b", "Foreground")):
        await delete(direct, namespace, name, policy)
        await gone(direct, namespace, name)
    await create(direct, namespace, "a", labels="{group: c}")
    await create_from(direct, namespace, brief(FINISHED, "{group: a}"))
    finished = await job_when(direct, namespace, FINISHED, is_complete)
    return int(finished["metadata"]["resourceVersion"]), await create(direct, namespace, LAST, labels="{group: a}")


def is_complete(job: dict[str, Any]) -> bool:
    return any(each["type"] == "Complete" for each in job.get("status", {}).get("conditions", ()))


async def gone(direct: Caller, namespace: str, name: str) -> None:
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while (await direct("GET", direct_job(namespace, name))).status != 404:
            await asyncio.sleep(0.02)


async def recorded(watch: Watch, last: int) -> list[Event]:
    return await watch.events_until(lambda event: event.resource_version == last)


async def recorded_as_events(stream: EventStream, last: int) -> list[Event]:
    told: list[Event] = []
    while not told or told[-1].resource_version != last:
        (block,) = await stream.take(1)
        if block.data and block.type != "BOOKMARK":  # which ends the initial state, wanted or not
            told.append(Event(block.type, block.data.encode()))
    return told


class Recording:
    """Some watches of the same Jobs at the apiserver and at the services, which must tell the same."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._theirs: dict[str, Watch] = {}
        self._ours: dict[tuple[str, str], Watch] = {}
        self._streams: dict[tuple[str, str], EventStream] = {}

    async def begin(self, direct: Caller, services: dict[str, Served], namespace: str, start: str = "") -> None:
        enter = self._stack.enter_async_context
        for name, (theirs, ours, selected) in paths(namespace).items():
            query = "&".join(part for part in (selected, start) if part)
            self._theirs[name] = await enter(watching(direct, theirs, query))
            for service, served in services.items():
                self._ours[name, service] = await enter(watching(served.api, ours, query))
                self._streams[name, service] = await enter(streaming(served.api, ours, query))

    async def compare(self, finished: int, last: int) -> dict[str, list[Event]]:
        """Check that all tell the same, and return what."""
        told = {}
        for name, watch in self._theirs.items():
            end = finished if name in END_EARLIER else last
            told[name] = await recorded(watch, end)
            for (which, service), ours in self._ours.items():
                if which == name:
                    assert await recorded(ours, end) == told[name], (name, service)
                    stream = self._streams[name, service]
                    assert await recorded_as_events(stream, end) == told[name], (name, service)
        return told


async def test_every_watch_tells_what_the_apiservers_own_does(
    services: dict[str, Served], direct: Caller, namespace: str, real_backend: Backend | None, store: Store
) -> None:
    await create(direct, namespace, "old-b", "old-a", labels="{group: b}")
    since = await present(services["cache"].api, namespace)
    async with AsyncExitStack() as stack:
        live = Recording(stack)
        await live.begin(direct, services, namespace)
        ends = await happen(direct, store if real_backend is None else None, namespace)
        told = await live.compare(*ends)
        # And once more, now that all of it is the past; the initial state of above is not told.
        again = Recording(stack)
        await again.begin(direct, services, namespace, f"resourceVersion={since}")
        told_again = await again.compare(*ends)
    for name, events in told_again.items():
        assert events == [event for event in told[name] if event.resource_version > since], name
    # The story has in it what it is for.
    happened = {name: {event.told for event in events} for name, events in told.items()}
    assert {("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("MODIFIED", "runs")} <= happened["everything"]
    assert {("DELETED", "a"), ("DELETED", "b"), ("ADDED", "a")} <= happened["exists"]
    assert {("DELETED", "runs"), ("DELETED", FINISHED), ("ADDED", LAST)} <= happened["without success"]
    assert {("ADDED", "runs"), ("DELETED", "runs"), ("ADDED", FINISHED)} <= happened["with success"]
