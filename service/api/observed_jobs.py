"""What becomes of one Job, for a caller: from the cache where it can be followed, else from a watch of its own."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from aiohttp import web

from service.api import guard, keys
from service.api.shared_reads import read_answer
from service.cache.observations import own_observations, shared_observations
from service.errors import ApiError
from service.kube.answers import Refused
from service.kube.jobs import Job, read_job
from service.kube.lists import JSON
from service.kube.responses import UpstreamBroken
from service.resources import JOBS

# Between two reads of a Job that may not be watched.
_PAUSE_SECONDS = 5.0


async def observed_job(request: web.Request, namespace: str, name: str) -> AsyncGenerator[Job | None, None]:
    """Yield a Job's state, beginning with a consistent read, and each later one; None where it is not there.

    Raises:
        ApiError: there is no answer.
        Refused: the Job may not be read, or not watched.
        UpstreamBroken: the answer broke off, or is longer than any Job.
        msgspec.DecodeError: it is no Job.
    """

    async def read() -> Job | None:
        return await read_job_now(request, namespace, name)

    live = request.app[keys.LIVE_JOBS]
    if await live.can_follow(namespace):
        await guard.authorize_shared(request)
        states = shared_observations(live.scope_of(namespace).cache, namespace, name, read)
    else:
        silence = request.app[keys.SETTINGS].watch_silence_seconds
        states = own_observations(request[keys.KUBE_CLIENT], silence, namespace, name, read)
    async with aclosing(states):
        async for state in states:
            yield state


async def followed_job(request: web.Request, namespace: str, name: str) -> AsyncGenerator[Job | None, None]:
    """Yield the same as `observed_job`, also for a caller who may read the Job but not watch it.

    Then it is read every few seconds, and its end becomes known only so late.

    Raises:
        ApiError, UpstreamBroken, msgspec.DecodeError: as in `observed_job`.
        Refused: the Job may not be read, or no longer.
    """
    has_begun = False
    try:
        async with aclosing(observed_job(request, namespace, name)) as states:
            async for state in states:
                yield state
                has_begun = True
            return
    except Refused as refused:
        if not (has_begun and refused.is_denial):
            raise
    while True:
        await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)
        try:
            yield await read_job_now(request, namespace, name)
        except (ApiError, UpstreamBroken, msgspec.DecodeError):
            pass
        except Refused as refused:
            if refused.is_denial:
                raise


async def read_job_now(request: web.Request, namespace: str, name: str) -> Job | None:
    """Return a Job as a consistent read has it; None where it is not there.

    Raises:
        ApiError, Refused, UpstreamBroken, msgspec.DecodeError: as in `observed_job`.
    """
    answer = await read_answer(request, JOBS.path(namespace, name), "", JSON)
    if answer is None:
        raise UpstreamBroken("the Job is too long to be held")
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise Refused(answer)
    return read_job(answer.body)
