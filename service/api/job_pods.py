"""What the routes about a Job's pods have in common: they begin with a consistent read of the Job."""

from functools import wraps

import msgspec
from aiohttp import web

from service.api.operations import Handler, Parameters
from service.api.shared_reads import read_answer
from service.api.streaming import relay_answer
from service.errors import ServiceUnavailable
from service.kube.answers import Refused
from service.kube.job_pods import JobPods, pods_of
from service.kube.lists import JSON
from service.kube.responses import UpstreamBroken
from service.resources import JOBS


async def job_pods(request: web.Request, namespace: str, name: str) -> JobPods:
    """Return what tells the pods of a Job, as the Job is now.

    Raises:
        ApiError: there is no answer.
        Refused: the apiserver says no; with 404 there is no such Job.
        UpstreamBroken: its answer broke off, or is longer than any Job.
        msgspec.DecodeError: its answer is no Job.
    """
    answer = await read_answer(request, JOBS.path(namespace, name), "", JSON)
    if answer is None:
        raise UpstreamBroken("the Job is too long to be held")
    if answer.status != 200:
        raise Refused(answer)
    return pods_of(answer.body)


def relaying_refusals(handler: Handler) -> Handler:
    """Let a handler pass on a refusal of the apiserver's that comes before its own answer has begun."""

    @wraps(handler)
    async def relaying(request: web.Request, parameters: Parameters) -> web.StreamResponse:
        try:
            return await handler(request, parameters)
        except Refused as refused:
            return await relay_answer(request, refused.answer)
        except (UpstreamBroken, msgspec.DecodeError) as error:
            raise ServiceUnavailable("the apiserver's answer broke off, or could not be read") from error

    return relaying
