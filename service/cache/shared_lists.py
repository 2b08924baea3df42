"""The consistent state that a watch begins with, shared by watchers that arrive together."""

from collections.abc import Mapping
from contextlib import aclosing
from urllib.parse import urlencode

from service.cache.batches import State
from service.cache.job_cache import JobCache
from service.cache.singleflight import SharedReads
from service.kube.client import KubeClient
from service.kube.jobs import Job
from service.kube.lists import begun_anew, job_pages


class SharedLists:
    """Consistent lists, whose Jobs are the cache's own where it has the same state of them.

    Args:
        client: the connections.
        cache: the cache of the scope that is listed.
    """

    def __init__(self, client: KubeClient, cache: JobCache) -> None:
        self._client = client
        self._cache = cache
        self._reads: SharedReads[State] = SharedReads()

    async def read(self, path: str, selectors: Mapping[str, str]) -> State:
        """Return the Jobs of a path that are selected, as of a moment after this call.

        Raises:
            ApiError, UpstreamBroken, Refused, msgspec.DecodeError: as in `job_pages`.
        """

        async def fetch() -> State:
            return await begun_anew(lambda: self._list(path, selectors))

        return await self._reads.read((path, urlencode(selectors)), fetch)

    async def _list(self, path: str, selectors: Mapping[str, str]) -> State:
        jobs: list[Job] = []
        async with aclosing(job_pages(self._client, path, selectors)) as pages:
            async for page in pages:
                jobs += map(self._cache.store.same, page.jobs)
        return State(jobs, page.resource_version)
