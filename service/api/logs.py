"""The logs of a Job's pods, as one. Section 7 of the contract."""

from aiohttp import web

from service.api import guard, query
from service.api.accept import takes_text
from service.api.job_log import JobLog
from service.api.job_pods import relaying_refusals
from service.api.log_options import log_options
from service.errors import NotAcceptable
from service.resources import check_name, check_namespace


@relaying_refusals
async def read_log(request: web.Request) -> web.StreamResponse:
    """Answer with the logs of a Job's pods: those that there are, or until the Job is over."""
    namespace, name = check_namespace(request.match_info["namespace"]), check_name(request.match_info["name"])
    options = log_options(query.read_query(request, query.LOG))
    if not takes_text(request):
        raise NotAcceptable("a log is answered as text/plain only")
    await guard.authorize(request, "follow" if options.follow else "log", namespace, name, options.pod)
    log = JobLog(request, namespace, name, options)
    if request.method == "HEAD" or not options.follow:
        return await log.read()
    guard.begin_stream(request, "log")
    return await log.follow()


routes = (web.get("/api/v1/_raw/job/namespace/{namespace}/name/{name}/log", read_log),)
