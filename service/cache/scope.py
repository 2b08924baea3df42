"""A scope: the Jobs of one namespace, or of all, that are followed by one watch upstream."""

import asyncio

from service.cache.job_cache import JobCache
from service.cache.reflector import Reflector
from service.cache.shared_lists import SharedLists
from service.kube.client import KubeClient
from service.resources import JOBS
from service.settings import Settings

_MEBIBYTE = 1024 * 1024
# A watch that comes before the first sync waits this long for it: one of its own upstream would last for an hour.
_SETTLING_SECONDS = 3.0


class Scope:
    """What is live of one scope.

    Args:
        client: the connections.
        settings: how large the window is.
        namespace: the namespace; None for all.

    Attributes:
        namespace: the namespace; None for all.
        cache: what is known.
        lists: the consistent lists that watchers share.
        reflector: keeps the cache true while it runs.
    """

    def __init__(self, client: KubeClient, settings: Settings, namespace: str | None) -> None:
        self.namespace = namespace
        self.cache = JobCache(
            settings.watch_window_changes,
            settings.watch_window_megabytes * _MEBIBYTE,
            stale_seconds=2 * settings.watch_silence_seconds,
        )
        self.lists = SharedLists(client, self.cache)
        self.reflector = Reflector(client, JOBS.path(namespace), self.cache, settings.watch_silence_seconds)

    async def can_follow(self) -> bool:
        """Tell whether a watch can be served from the window; waits a moment for the first sync."""
        try:
            async with asyncio.timeout(_SETTLING_SECONDS):
                await self.cache.settled.wait()
        except TimeoutError:
            return False
        return self.cache.synced and not self.cache.is_stale

    @property
    def state(self) -> str:
        """What a person is told of it."""
        cache, where = self.cache, "" if self.namespace is None else f"{self.namespace}: "
        if not cache.synced:
            return f"{where}not synced, so everything goes upstream: {cache.failure or 'not listed yet'}"
        known = f"{where}synced, {len(cache.store)} Jobs, upstream heard {cache.age:.0f} s ago"
        return known if cache.failure is None else f"{known}: {cache.failure}"
