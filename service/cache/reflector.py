"""The task that keeps a cache equal to upstream: a list, then a watch from exactly there, for ever.

The initial state comes by a streaming list (KEP-3157), or page by page where the apiserver has none.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from types import MappingProxyType
from typing import NoReturn

import msgspec
import structlog

from service.cache.job_cache import JobCache
from service.errors import ApiError, Expired
from service.kube.answers import Refused
from service.kube.client import KubeClient
from service.kube.jobs import Job, read_job
from service.kube.lists import job_pages
from service.kube.responses import UpstreamBroken
from service.kube.watch import WatchEvent, code_of, watching

_log = structlog.stdlib.get_logger(__name__)

# Upstream ends a watch after this time, and a new one goes on from there: that spreads watches over apiservers.
_WATCH_SECONDS = (300, 600)
_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
# A watch that lasted this long was a good one, and the next may follow at once.
_GOOD_WATCH_SECONDS = 10.0
_STREAMING_LIST: Mapping[str, str] = MappingProxyType(
    {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
)
# The codes with which an apiserver refuses a streaming list that it does not know.
_UNKNOWN_LIST = frozenset((400, 422))


class Reflector:
    """Keeps a cache equal to upstream.

    Args:
        client: the connections.
        path: the apiserver's path of the scope's list.
        cache: what is kept.
        silence_seconds: how long a watch may be silent; upstream sends a bookmark about every minute.
    """

    def __init__(self, client: KubeClient, path: str, cache: JobCache, silence_seconds: float) -> None:
        self._client = client
        self._path = path
        self._cache = cache
        self._silence_seconds = silence_seconds
        self._resource_version: int | None = None
        self._streams_lists = True

    async def run(self) -> NoReturn:
        """Follow upstream until cancelled."""
        pause = _SHORTEST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            await self._follow_once()
            if time.monotonic() - began > _GOOD_WATCH_SECONDS:
                pause = _SHORTEST_PAUSE_SECONDS
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (no secret)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _follow_once(self) -> None:
        """Follow until upstream ends the watch, or something goes wrong."""
        try:
            if self._resource_version is None:
                await self._list()
            else:
                await self._watch(self._resource_version)
        except (ApiError, Refused, UpstreamBroken, msgspec.DecodeError) as error:
            if _is_expired(error):
                self._resource_version = None
            failure = _failure(error)
            if self._cache.failure is None:
                _log.warning("the cache hears nothing from the apiserver", reason=failure)
            self._cache.fail(failure)
        except Exception:
            # Nobody else would ever mend the cache: a bug is told, and begun anew with a list.
            _log.exception("a bug in the reflector")
            self._resource_version = None
            self._cache.fail("an internal error; the service's log has it")

    async def _list(self) -> None:
        if self._streams_lists:
            try:
                await self._stream_list()
            except Refused as refused:
                if refused.answer.status not in _UNKNOWN_LIST:
                    raise
            else:
                return
        await self._page_list()

    async def _stream_list(self) -> None:
        """Take the initial state from a watch, and go on with that watch."""
        async with self._opened(_STREAMING_LIST) as events:
            # Unless its end is seen: an old apiserver ignores the parameter, and the next list is paged.
            self._streams_lists = False
            jobs: dict[tuple[str, str], Job] = {}
            async for event in events:
                if event.ends_initial_events:
                    break
                _collect(jobs, event)
            else:
                raise UpstreamBroken("the streaming list ended before its end was told")
            self._streams_lists = True
            self._replace(list(jobs.values()), event.resource_version)
            async for event in events:
                self._take(event)

    async def _page_list(self) -> None:
        jobs: list[Job] = []
        async with aclosing(job_pages(self._client, self._path, {})) as pages:
            async for page in pages:
                jobs += page.jobs
        self._replace(jobs, page.resource_version)

    async def _watch(self, resource_version: int) -> None:
        async with self._opened({"resourceVersion": str(resource_version)}) as events:
            async for event in events:
                self._take(event)

    @asynccontextmanager
    async def _opened(self, parameters: Mapping[str, str]) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        lifetime = str(random.randint(*_WATCH_SECONDS))  # noqa: S311 (no secret)
        asked = {"timeoutSeconds": lifetime, **parameters}
        async with watching(self._client, self._path, asked, self._silence_seconds) as events:
            self._cache.hear()
            yield events

    def _replace(self, jobs: list[Job], resource_version: int) -> None:
        self._cache.replace(jobs, resource_version)
        self._resource_version = resource_version
        _log.info("the cache is in sync", jobs=len(jobs), resource_version=resource_version)

    def _take(self, event: WatchEvent) -> None:
        match event.type:
            case "ADDED" | "MODIFIED" | "DELETED":
                job = read_job(event.object)
                self._cache.change(event.type, job)
                self._resource_version = job.resource_version
            case "BOOKMARK":
                self._resource_version = event.resource_version
                self._cache.progress(self._resource_version)
            case _:
                raise _error_of(event)


def _collect(jobs: dict[tuple[str, str], Job], event: WatchEvent) -> None:
    """Apply an event that comes before the end of the initial state is told."""
    if event.type in {"ADDED", "MODIFIED"}:
        job = read_job(event.object)
        jobs[job.namespace, job.name] = job
    elif event.type == "DELETED":
        job = read_job(event.object)
        jobs.pop((job.namespace, job.name), None)
    elif event.type != "BOOKMARK":
        raise _error_of(event)


def _error_of(event: WatchEvent) -> Expired | UpstreamBroken:
    code = code_of(event)
    return Expired("the resourceVersion is too old") if code == 410 else UpstreamBroken(f"{event.type} {code}")


def _is_expired(error: Exception) -> bool:
    return isinstance(error, Expired) or (isinstance(error, Refused) and error.answer.status == 410)


def _failure(error: Exception) -> str:
    """Say what is wrong, without the text of an exception that is not ours."""
    if isinstance(error, ApiError):
        return error.message
    if isinstance(error, Refused):
        return f"the apiserver answers {error.answer.status} to list and watch of the Jobs"
    return "the watch broke off"
