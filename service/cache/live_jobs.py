"""Everything that is live: the scopes with their caches, and the reads that callers share."""

import asyncio
from collections.abc import Collection
from typing import NoReturn

from service.cache.scope import Scope
from service.cache.singleflight import SharedReads
from service.kube.answers import Answer
from service.kube.client import KubeClient
from service.settings import Settings

# How often readers of the windows look up although nothing happened.
_TICK_SECONDS = 15.0


class LiveJobs:
    """The live side of the Jobs that are served.

    Args:
        client: the connections, which speak in the service's own name.
        settings: whether there is a cache, how large its window is, and which namespaces are served.

    Attributes:
        enabled: whether there is a cache at all.
        lookups: how many reads there were that a cache may answer.
        hits: how many of them it answered.
        reads: the consistent reads of one Job that callers share; None is an answer that is too long to be held.
    """

    def __init__(self, client: KubeClient, settings: Settings) -> None:
        self.enabled = settings.cache
        self.lookups = self.hits = 0
        self.reads: SharedReads[Answer | None] = SharedReads()
        # An account that may see some namespaces only cannot watch all at once.
        served = settings.namespaces or (None,)
        self._scopes = {namespace: Scope(client, settings, namespace) for namespace in served}

    async def run(self) -> NoReturn:
        """Keep the caches true until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for scope in self._scopes.values():
                tasks.create_task(scope.reflector.run())
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                for scope in self._scopes.values():
                    scope.cache.window.wake()

    def scope_of(self, namespace: str | None) -> Scope:
        """Return the scope of a namespace, which has to be one that is served; None is all of them."""
        return self._scopes.get(namespace) or self._scopes[None]

    def is_synced(self, namespace: str | None) -> bool:
        """Tell whether reads of a namespace may be answered from the cache."""
        return self.enabled and self.scope_of(namespace).cache.synced

    async def can_follow(self, namespace: str | None) -> bool:
        """Tell whether a watch of a namespace can be served from its window; waits a moment for the first sync."""
        return self.enabled and await self.scope_of(namespace).can_follow()

    @property
    def scopes(self) -> Collection[Scope]:
        """What is followed; nothing where there is no cache."""
        return self._scopes.values() if self.enabled else ()

    @property
    def state(self) -> str:
        """What a person is told of the cache."""
        if not self.enabled:
            return "off: every read, watch and wait goes upstream"
        return "; ".join(scope.state for scope in self._scopes.values())
