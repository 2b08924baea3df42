"""What a watcher of the shared window is told, and what it holds on to."""

import gc
import weakref
from contextlib import aclosing

from service.cache.batches import SharedFeed, State, shared_batches
from service.cache.job_cache import JobCache
from service.cache.selection import Selection
from service.kube.jobs import Job
from tests.cache.jobs import a_job
from tests.cache.scripted import PLENTY


class Jobs(list[Job]):
    """A list that can be seen to be let go of."""


async def alone(_: SharedFeed) -> None:
    """Attend no audience."""


async def test_a_watch_lets_go_of_its_initial_state_once_that_is_told() -> None:
    cache = JobCache(PLENTY, PLENTY, 60.0)
    cache.replace([], 10)
    jobs = Jobs([a_job("one", 5), a_job("two", 6)])
    held = weakref.ref(jobs)
    batches = shared_batches(cache, State(jobs, 10), Selection(), alone, sends_initial=True)
    del jobs
    async with aclosing(batches):
        told = [await anext(batches), await anext(batches)]
        assert [[each.type for each in batch.deliveries] for batch in told] == [["ADDED", "ADDED"], ["BOOKMARK"]]
        assert held() is not None
        cache.change("MODIFIED", a_job("one", 11))
        assert [each.type for each in (await anext(batches)).deliveries] == ["ADDED"]
        gc.collect()
        assert held() is None
