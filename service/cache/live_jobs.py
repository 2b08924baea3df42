"""Everything that is live: the cache with its reflector, and the reads that callers share."""

import asyncio
from typing import NoReturn

from service.cache.job_cache import JobCache
from service.cache.reflector import Reflector
from service.cache.shared_lists import SharedLists
from service.cache.singleflight import SharedReads
from service.kube.answers import Answer
from service.kube.client import KubeClient
from service.resources import JOBS
from service.settings import Settings

_MEBIBYTE = 1024 * 1024
# How often readers of the window look up although nothing happened.
_TICK_SECONDS = 15.0
# A watch that comes before the first sync waits this long for it: one of its own upstream would last for an hour.
_SETTLING_SECONDS = 3.0


class LiveJobs:
    """The live side of all namespaces' Jobs.

    Args:
        client: the connections.
        settings: whether there is a cache, and how large its window is.

    Attributes:
        cache: what is known; empty and never synced where it is switched off.
        lists: the consistent lists that watchers share.
        reads: the consistent reads of one Job that callers share; None is an answer that is too long to be held.
    """

    def __init__(self, client: KubeClient, settings: Settings) -> None:
        self.cache = JobCache(
            settings.watch_window_changes,
            settings.watch_window_megabytes * _MEBIBYTE,
            stale_seconds=2 * settings.watch_silence_seconds,
        )
        self.lists = SharedLists(client, self.cache)
        self.reads: SharedReads[Answer | None] = SharedReads()
        self.enabled = settings.cache
        self._reflector = Reflector(client, JOBS.path(), self.cache, settings.watch_silence_seconds)

    async def run(self) -> NoReturn:
        """Keep the cache true until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reflector.run())
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                self.cache.window.wake()

    @property
    def is_synced(self) -> bool:
        """Whether reads may be answered from the cache."""
        return self.enabled and self.cache.synced

    async def can_follow(self) -> bool:
        """Tell whether a watch can be served from the window; waits a moment for the first sync."""
        if not self.enabled:
            return False
        try:
            async with asyncio.timeout(_SETTLING_SECONDS):
                await self.cache.settled.wait()
        except TimeoutError:
            return False
        return self.cache.synced and not self.cache.is_stale

    @property
    def state(self) -> str:
        """What a person is told of the cache."""
        if not self.enabled:
            return "off: every read, watch and wait goes upstream"
        if not self.cache.synced:
            return f"not synced, so everything goes upstream: {self.cache.failure or 'not listed yet'}"
        known = f"{len(self.cache.store)} Jobs, upstream heard {self.cache.age:.0f} s ago"
        return f"synced, {known}" if self.cache.failure is None else f"synced, {known}: {self.cache.failure}"
