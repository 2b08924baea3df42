"""What becomes of one Job, from a consistent read on: from the shared cache, or from a watch of its own."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from service.cache.job_cache import JobCache
from service.errors import ApiError
from service.kube.answers import Refused
from service.kube.client import KubeClient
from service.kube.jobs import Job, read_job
from service.kube.responses import UpstreamBroken
from service.kube.watch import watching
from service.resources import JOBS

# Reads a Job consistently; None where it is not there.
ReadJob = Callable[[], Awaitable[Job | None]]

_LONGEST_PAUSE_SECONDS = 5.0
_FORBIDDEN = 403


async def shared_observations(
    cache: JobCache, namespace: str, name: str, read: ReadJob
) -> AsyncGenerator[Job | None, None]:
    """Yield a Job's state, and each later one as the cache hears of it; None where it is not there.

    Args:
        cache: a cache that is synced.
        namespace: the Job's namespace.
        name: the Job's name.
        read: gives the first state.

    Raises:
        Exception: whatever `read` raises.
    """
    # From before the read on, or what happens between the two would be missed.
    with cache.subscriptions.to(namespace, name) as subscription:
        job = await read()
        yield job
        known = 0 if job is None else job.resource_version
        while True:
            observation = await subscription.next()
            if observation.resource_version > known:
                yield observation.job


async def own_observations(
    client: KubeClient, silence_seconds: float, namespace: str, name: str, read: ReadJob
) -> AsyncGenerator[Job | None, None]:
    """Yield the same as `shared_observations`, from a watch of this Job alone.

    When the watch ends, or breaks off, the Job is read again and watched from there.

    Raises:
        Exception: whatever `read` raises the first time.
        Refused: the Job may be read but not watched.
    """
    job, pause = await read(), 0.1
    while True:
        yield job
        if job is None:
            return
        try:
            async with aclosing(_watched(client, silence_seconds, job)) as states:
                async for state in states:
                    pause = 0.1
                    yield state
        except Refused as refused:
            if refused.answer.status == _FORBIDDEN:
                raise  # no event will ever come, and to read the Job again and again would be polling
        except (ApiError, UpstreamBroken, msgspec.DecodeError):
            pass  # what matters is how the Job is now
        job, pause = await _read_again(read, pause)


async def _read_again(read: ReadJob, pause: float) -> tuple[Job | None, float]:
    while True:
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (no secret)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        try:
            return await read(), pause
        except (ApiError, Refused, UpstreamBroken, msgspec.DecodeError):
            continue


async def _watched(client: KubeClient, silence_seconds: float, job: Job) -> AsyncGenerator[Job | None, None]:
    parameters = {
        "fieldSelector": f"metadata.name={job.name}",
        "resourceVersion": str(job.resource_version),
    }
    async with watching(client, JOBS.path(job.namespace), parameters, silence_seconds) as events:
        async for event in events:
            if event.type in {"ADDED", "MODIFIED"}:
                yield read_job(event.object)
            elif event.type == "DELETED":
                yield None
            elif event.type == "ERROR":
                return
