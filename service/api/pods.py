"""A Job's pods: the raw PodList, as the apiserver selects it. Section 1 of the contract."""

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from service.api import guard, keys, query
from service.api.accept import form_of
from service.api.answers import Answer, Link, relayed
from service.api.forwarding import forwarded
from service.api.job_pods import job_pods, relaying_refusals
from service.api.operations import JOB, Operation, Parameters
from service.api.streaming import relay, relay_answer
from service.errors import BadRequest, NotAcceptable
from service.kube.answers import read_whole
from service.kube.job_pods import JobPods
from service.kube.lists import JSON
from service.kube.pods import read_pod
from service.kube.raw_lists import list_of, read_list
from service.resources import PODS

# Some thousand pods; they are read in tens of milliseconds, in which nothing else is done.
_HELD_BYTES = 16 * 1024 * 1024


@relaying_refusals
async def list_pods(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Answer with the raw PodList of one Job's pods."""
    namespace, name, asked = parameters
    await guard.authorize(request, "pods", namespace, name)
    pods = await job_pods(request, namespace, name)
    selected = {**asked, "labelSelector": pods.narrowed(asked.get("labelSelector", ""))}
    if pods.manual:
        return await _own_ones(request, namespace, pods, selected)
    client = request[keys.KUBE_CLIENT]
    path, upstream_query = PODS.path(namespace), query.encoded(selected)
    async with await client.read(path, upstream_query, forwarded(request.headers)) as upstream:
        return await relay(request, upstream)


operations = (
    Operation(
        "listJobPods",
        "GET",
        f"{JOB}/pod",
        list_pods,
        "List a Job's pods",
        "Those that the Job's own selector matches, and the caller's, page by page where limit says so.",
        (
            Answer(
                200,
                "The raw PodList.",
                relayed("PodList"),
                links=(Link("readJobLog", {"pod": "$response.body#/items/0/metadata/name"}),),
            ),
        ),
        query.PODS,
        refusals=(404, 406, 410),
        calls=("pods",),
    ),
)


async def _own_ones(
    request: web.Request, namespace: str, pods: JobPods, selected: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with those pods of a list that are the Job's, where its selector may match others' too."""
    if form_of(request) != "json":
        raise NotAcceptable("the pods of a Job with manualSelector are answered in application/json only")
    client = request[keys.KUBE_CLIENT]
    answer = await read_whole(client, PODS.path(namespace), query.encoded(selected), JSON, _HELD_BYTES)
    if answer is None:
        raise BadRequest(
            f"the selector of this Job, which has manualSelector, matches pods of more than {_HELD_BYTES} bytes: "
            "ask for them in pages, with query parameter 'limit'"
        )
    if answer.status == 200:
        found = read_list(answer.body)
        items = [item for item in found.items if pods.includes(read_pod(item))]
        answer = replace(answer, body=list_of("PodList", found.metadata, items))
    return await relay_answer(request, answer)
