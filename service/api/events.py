"""What has happened to a Job and to its pods: one EventList. Section 1 of the contract."""

from aiohttp import web

from service.api import guard, keys
from service.api.accept import form_of
from service.api.answers import JSON, Answer, reference
from service.api.job_pods import job_pods, relaying_refusals
from service.api.operations import JOB, Operation, Parameters
from service.api.streaming import answer_with
from service.errors import NotAcceptable
from service.kube.events import events_of

_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}


@relaying_refusals
async def list_events(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Answer with the events of one Job and of its pods, oldest first."""
    namespace, name, _ = parameters
    if form_of(request) != "json":
        raise NotAcceptable("events are answered in application/json only")
    await guard.authorize(request, "events", namespace, name)
    pods = await job_pods(request, namespace, name)
    events = await events_of(request[keys.KUBE_CLIENT], namespace, name, pods)
    return await answer_with(request, events, _HEADERS)


operations = (
    Operation(
        "listJobEvents",
        "GET",
        f"{JOB}/event",
        list_events,
        "List what has happened to a Job and its pods",
        "The oldest first, those of pods that are gone included as far as the Job's events name them.",
        (Answer(200, "One EventList.", {JSON: reference("EventList")}),),
        refusals=(404, 406),
        calls=("events",),
    ),
)
