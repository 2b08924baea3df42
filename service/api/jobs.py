"""The Job itself: read, list, create, delete; there is no route that edits one."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from service.api import body, delete_options, guard, keys, query
from service.api.answers import EVENT_STREAM, JSON, STRING, WATCH, YAML, Answer, Header, Link, reference, relayed
from service.api.cached_reads import IF_NONE_MATCH, MISS, NOT_MODIFIED, cached_job, cached_list, is_cacheable
from service.api.creates import location_of, looked
from service.api.forwarding import forwarded
from service.api.framing import LAST_EVENT_ID
from service.api.idempotency import IDEMPOTENCY_KEY, REPLAYED, find_replay, read_key, telling_of_the_key
from service.api.known_calls import Kind, KnownCall
from service.api.operations import ALL, COLLECTION, JOB, Body, Operation, Parameters
from service.api.samples import DELETE_OPTIONS, MANIFEST
from service.api.selections import selected_name
from service.api.shared_reads import read_shared
from service.api.streaming import relay
from service.api.watches import watch_jobs
from service.kube.responses import UpstreamResponse
from service.manifests import make_repeatable
from service.resources import JOBS

# What the apiserver may say to the repetition of a create; 401 and 429 come before it looks at the Job.
_MAYBE_REPEATED = frozenset(range(400, 500)) - {401, 429}


async def get_job(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Answer with one raw Job."""
    namespace, name, asked = parameters
    await guard.authorize(request, "get", namespace, name)
    if not is_cacheable(request, asked):
        response = await read_shared(request, JOBS.path(namespace, name), asked)
        _learn(request, parameters, "get", response)
        return response
    await guard.authorize_shared(request)
    if (hit := await cached_job(request, namespace, name, asked)) is None:
        return await _relayed(request, JOBS.path(namespace, name), asked, MISS)
    _learn(request, parameters, "cached", hit)
    return hit


async def list_jobs(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Answer with the raw JobList of one namespace, or of all, or with a watch of it."""
    namespace, asked = parameters.namespace or None, parameters.query
    watches = query.is_true(asked.get("watch"))
    await guard.authorize(request, "watch" if watches else "list", namespace, selected_name(asked))
    if watches:
        return await watch_jobs(request, namespace, asked)
    path = JOBS.path(namespace)
    if not is_cacheable(request, asked):
        return await _relayed(request, path, asked)
    await guard.authorize_shared(request)
    return await cached_list(request, namespace, asked) or await _relayed(request, path, asked, MISS)


async def create_job(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Create the Job of the body's manifest, whose bytes go upstream as they came unless the call has a key."""
    namespace, _, asked = parameters
    key = None if "dryRun" in asked else read_key(request)
    await guard.authorize(request, "create", namespace)
    manifest = await body.read_body(request)
    seen = await looked(manifest, namespace)
    if key is not None:
        return await _create_once(request, namespace, asked, manifest, key)
    async with await _posted(request, namespace, asked, manifest, seen.content_type) as upstream:
        response = await relay(request, upstream, await location_of(asked, namespace, seen, upstream))
    _learn(request, parameters, "create", response)
    return response


async def delete_job(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Delete one Job, and its pods unless the caller says otherwise."""
    namespace, name, asked = parameters
    await guard.authorize(request, "delete", namespace, name)
    options = delete_options.merged(asked, await body.read_body(request))
    headers = forwarded(request.headers) | {"Content-Type": "application/json"}
    upstream_query = query.encoded(query.about_the_answer(asked))
    client = request[keys.KUBE_CLIENT]
    path = JOBS.path(namespace, name)
    async with await client.write("DELETE", path, upstream_query, headers, options) as upstream:
        return await relay(request, upstream)


_LIST_ANSWERS = (
    Answer(
        200,
        "The raw JobList; with watch=true a stream of events, one a line, or server-sent events.",
        {**relayed("JobList"), WATCH: reference("WatchEvent"), EVENT_STREAM: STRING},
        job_at="/items/0",
    ),
    NOT_MODIFIED,
)
_UNTIL_GONE = (Link("waitForJob", {"for": "delete"}),)
_LIST_TOLD = (
    "Like the apiserver's own list, page by page where limit says so. With watch=true the changes come as they "
    "happen, for as long as timeoutSeconds says: such an answer does not end by itself."
)

operations = (
    Operation(
        "createJob",
        "POST",
        COLLECTION,
        create_job,
        "Create a Job from a manifest",
        "The manifest's bytes go to the apiserver as they are. What is no single batch/v1 Job for this namespace, "
        "with a name or a generateName, is refused with line and column. With an Idempotency-Key the same call may "
        "be sent until it is answered: there will be one Job.",
        (
            Answer(
                201,
                "The raw Job, as it was created.",
                relayed("Job"),
                (Header("Location", "the new Job's path; not with dryRun"),),
                job_at="",
            ),
            Answer(
                200,
                "The raw Job that an earlier call with this key has created.",
                relayed("Job"),
                REPLAYED,
                job_at="",
            ),
        ),
        query.CREATE,
        (IDEMPOTENCY_KEY,),
        Body(
            f"The manifest, of {body.MAX_BYTES} bytes at most.",
            {YAML: reference("JobManifest"), JSON: reference("JobManifest")},
            MANIFEST,
        ),
        (404, 406, 408, 409, 413, 422),
        ("create",),
    ),
    Operation(
        "listJobs",
        "GET",
        COLLECTION,
        list_jobs,
        "List a namespace's Jobs, or watch them",
        _LIST_TOLD,
        _LIST_ANSWERS,
        query.LIST,
        (IF_NONE_MATCH, LAST_EVENT_ID),
        refusals=(406, 410, 422),
        calls=("list", "watch"),
    ),
    Operation(
        "getJob",
        "GET",
        JOB,
        get_job,
        "Read a Job",
        "The apiserver's own bytes, and as fresh as the apiserver's own unless resourceVersion says otherwise.",
        (Answer(200, "The raw Job.", relayed("Job")), NOT_MODIFIED),
        query.GET,
        (IF_NONE_MATCH,),
        refusals=(404, 406),
        calls=("get",),
    ),
    Operation(
        "deleteJob",
        "DELETE",
        JOB,
        delete_job,
        "Delete a Job, and its pods",
        "Query and body are one: what they say differently is refused.",
        (
            Answer(
                200,
                "What the apiserver says: a Status, or the Job while it goes.",
                relayed("Job", "Status"),
                links=_UNTIL_GONE,
            ),
            Answer(
                202,
                "The same, while something still keeps the Job.",
                relayed("Job", "Status"),
                links=_UNTIL_GONE,
            ),
        ),
        query.DELETE,
        body=Body(
            "DeleteOptions, where the query does not say it.",
            {JSON: reference("DeleteOptions"), YAML: reference("DeleteOptions")},
            DELETE_OPTIONS,
            required=False,
        ),
        refusals=(404, 406, 408, 409, 413, 422),
        calls=("delete",),
    ),
    Operation(
        "listAllJobs",
        "GET",
        ALL,
        list_jobs,
        "List all namespaces' Jobs, or watch them",
        _LIST_TOLD,
        _LIST_ANSWERS,
        query.LIST,
        (IF_NONE_MATCH, LAST_EVENT_ID),
        refusals=(406, 410, 422),
        calls=("list", "watch"),
    ),
)


def _learn(
    request: web.Request,
    parameters: Parameters,
    kind: Kind,
    response: web.StreamResponse,
) -> None:
    """Let the same call be answered without all of this from now on, where its answer was sent in one piece."""
    if request.method == "HEAD" or response.status not in (200, 201) or not isinstance(response, web.Response):
        return
    namespace, name, asked = parameters
    call = KnownCall(
        kind,
        request[keys.CALLER],
        request[keys.WANTED],
        namespace,
        name,
        request.rel_url.raw_path,
        asked,
        JOBS.path(namespace, name or None),
        query.encoded(asked),
    )
    request.app[keys.KNOWN_CALLS].learn(request.method, request.raw_path, request.raw_headers, call)


async def _relayed(
    request: web.Request, path: str, asked: Mapping[str, str], extra_headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    client = request[keys.KUBE_CLIENT]
    async with await client.read(path, query.encoded(asked), forwarded(request.headers)) as upstream:
        return await relay(request, upstream, extra_headers)


async def _create_once(
    request: web.Request, namespace: str, asked: Mapping[str, str], body: bytes, key: str
) -> web.StreamResponse:
    username = await guard.username_of(request)
    manifest = await asyncio.to_thread(make_repeatable, body, namespace, username, key)
    location = {"Location": JOB.format(namespace=namespace, name=manifest.name)}
    with telling_of_the_key():
        upstream = await _posted(request, namespace, asked, manifest.body, "application/json")
    async with upstream:
        if upstream.status in _MAYBE_REPEATED:
            replay = await find_replay(request, namespace, asked, manifest, location)
            if replay is not None:
                return replay
        return await relay(request, upstream, location)


async def _posted(
    request: web.Request, namespace: str, asked: Mapping[str, str], manifest: bytes, content_type: str
) -> UpstreamResponse:
    headers = forwarded(request.headers) | {"Content-Type": content_type}
    upstream_query = query.encoded(asked)
    client = request[keys.KUBE_CLIENT]
    return await client.write("POST", JOBS.path(namespace), upstream_query, headers, manifest)
