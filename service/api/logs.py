"""The logs of a Job's pods, as one. Section 7 of the contract."""

from aiohttp import web

from service.api import guard, query
from service.api.accept import takes_text
from service.api.answers import STRING, TEXT, Answer
from service.api.job_log import JobLog
from service.api.job_pods import relaying_refusals
from service.api.log_options import log_options
from service.api.operations import JOB, Operation, Parameters
from service.errors import NotAcceptable


@relaying_refusals
async def read_log(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Answer with the logs of a Job's pods: those that there are, or until the Job is over."""
    namespace, name, asked = parameters
    options = log_options(asked)
    if not takes_text(request):
        raise NotAcceptable("a log is answered as text/plain only")
    await guard.authorize(request, "follow" if options.follow else "log", namespace, name, options.pod)
    log = JobLog(request, namespace, name, options)
    if request.method == "HEAD" or not options.follow:
        return await log.read()
    guard.begin_stream(request, "log")
    return await log.follow()


operations = (
    Operation(
        "readJobLog",
        "GET",
        f"{JOB}/log",
        read_log,
        "Read a Job's log",
        "The logs of all its pods as one, the oldest pod first, each line with its origin before it. With "
        "follow=true it is told as it is written, and ends with the Job. What cannot be read is named at the end.",
        (Answer(200, "The log, its bytes as they were written.", {TEXT: STRING}),),
        query.LOG,
        refusals=(404, 406),
        calls=("log", "follow"),
    ),
)
