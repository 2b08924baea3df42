"""What has happened to a Job and to its pods: one EventList. Section 1 of the contract."""

from aiohttp import web

from service.api import guard, keys, query
from service.api.accept import form_of
from service.api.job_pods import job_pods, relaying_refusals
from service.api.streaming import answer_with
from service.errors import NotAcceptable
from service.kube.events import events_of
from service.resources import check_name, check_namespace

_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}


@relaying_refusals
async def list_events(request: web.Request) -> web.StreamResponse:
    """Answer with the events of one Job and of its pods, oldest first."""
    namespace, name = check_namespace(request.match_info["namespace"]), check_name(request.match_info["name"])
    query.read_query(request, query.NOTHING)
    if form_of(request) != "json":
        raise NotAcceptable("events are answered in application/json only")
    await guard.authorize(request, "events", namespace, name)
    pods = await job_pods(request, namespace, name)
    events = await events_of(request[keys.KUBE_CLIENT], namespace, name, pods)
    return await answer_with(request, events, _HEADERS)


routes = (web.get("/api/v1/_raw/job/namespace/{namespace}/name/{name}/event", list_events),)
