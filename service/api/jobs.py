"""The Job itself: read, list, create, delete; there is no route that edits one."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from service.api import body, delete_options, guard, keys, query
from service.api.cached_reads import MISS, cached_job, cached_list, is_cacheable
from service.api.forwarding import forwarded
from service.api.idempotency import find_replay, read_key, telling_of_the_key
from service.api.selections import selected_name
from service.api.shared_reads import read_shared
from service.api.streaming import relay
from service.api.watches import watch_jobs
from service.kube.objects import name_of
from service.kube.responses import UpstreamResponse
from service.manifests import ManifestLook, look, make_repeatable
from service.resources import JOBS, check_name, check_namespace

ALL = "/api/v1/_raw/job"
COLLECTION = ALL + "/namespace/{namespace}"
JOB = COLLECTION + "/name/{name}"

# A look at more than this takes milliseconds, and does not hold up the other requests in a thread.
_LOOK_IN_THREAD_BYTES = 64 * 1024

# What the apiserver may say to the repetition of a create; 401 and 429 come before it looks at the Job.
_MAYBE_REPEATED = frozenset(range(400, 500)) - {401, 429}

# Larger than any Job that etcd would take.
_PEEK_BYTES = 4 * 1024 * 1024


async def get_job(request: web.Request) -> web.StreamResponse:
    """Answer with one raw Job."""
    namespace, name = _namespace(request), check_name(request.match_info["name"])
    asked = query.read_query(request, query.GET)
    await guard.authorize(request, "get", namespace, name)
    if not is_cacheable(request, asked):
        return await read_shared(request, JOBS.path(namespace, name), asked)
    await guard.authorize_shared(request)
    return await cached_job(request, namespace, name, asked) or await _relayed(
        request, JOBS.path(namespace, name), asked, MISS
    )


async def list_jobs(request: web.Request) -> web.StreamResponse:
    """Answer with the raw JobList of one namespace, or with a watch of it."""
    return await _list(request, _namespace(request))


async def list_all_jobs(request: web.Request) -> web.StreamResponse:
    """Answer with the raw JobList of all namespaces, or with a watch of it."""
    return await _list(request, None)


async def create_job(request: web.Request) -> web.StreamResponse:
    """Create the Job of the body's manifest, whose bytes go upstream as they came unless the call has a key."""
    namespace = _namespace(request)
    asked = query.read_query(request, query.CREATE)
    key = None if "dryRun" in asked else read_key(request)
    await guard.authorize(request, "create", namespace)
    manifest = await body.read_body(request)
    seen = await _looked(manifest, namespace)
    if key is not None:
        return await _create_once(request, namespace, asked, manifest, key)
    async with await _posted(request, namespace, asked, manifest, seen.content_type) as upstream:
        return await relay(request, upstream, await _location(asked, namespace, seen, upstream))


async def delete_job(request: web.Request) -> web.StreamResponse:
    """Delete one Job, and its pods unless the caller says otherwise."""
    namespace, name = _namespace(request), check_name(request.match_info["name"])
    asked = query.read_query(request, query.DELETE)
    await guard.authorize(request, "delete", namespace, name)
    options = delete_options.merged(asked, await body.read_body(request))
    headers = forwarded(request) | {"Content-Type": "application/json"}
    upstream_query = query.encoded(query.about_the_answer(asked))
    client = request[keys.KUBE_CLIENT]
    path = JOBS.path(namespace, name)
    async with await client.write("DELETE", path, upstream_query, headers, options) as upstream:
        return await relay(request, upstream)


routes = (
    web.get(ALL, list_all_jobs),
    web.get(COLLECTION, list_jobs),
    web.post(COLLECTION, create_job, expect_handler=body.postpone_continue),
    web.get(JOB, get_job),
    web.delete(JOB, delete_job, expect_handler=body.postpone_continue),
)


def _namespace(request: web.Request) -> str:
    return check_namespace(request.match_info["namespace"])


async def _list(request: web.Request, namespace: str | None) -> web.StreamResponse:
    asked = query.read_query(request, query.LIST)
    watches = query.is_true(asked.get("watch"))
    await guard.authorize(request, "watch" if watches else "list", namespace, selected_name(asked))
    if watches:
        return await watch_jobs(request, namespace, asked)
    path = JOBS.path(namespace)
    if not is_cacheable(request, asked):
        return await _relayed(request, path, asked)
    await guard.authorize_shared(request)
    return await cached_list(request, namespace, asked) or await _relayed(request, path, asked, MISS)


async def _relayed(
    request: web.Request, path: str, asked: Mapping[str, str], extra_headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    client = request[keys.KUBE_CLIENT]
    async with await client.read(path, query.encoded(asked), forwarded(request)) as upstream:
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
    headers = forwarded(request) | {"Content-Type": content_type}
    upstream_query = query.encoded({"fieldValidation": "Strict", **asked})
    client = request[keys.KUBE_CLIENT]
    return await client.write("POST", JOBS.path(namespace), upstream_query, headers, manifest)


async def _location(
    asked: Mapping[str, str], namespace: str, seen: ManifestLook, upstream: UpstreamResponse
) -> dict[str, str]:
    """Say where the new Job is; a name that the apiserver made up is in its answer, where that is plain JSON."""
    if "dryRun" in asked or upstream.status != 201:
        return {}
    name = seen.name
    if name is None and "Content-Encoding" not in upstream.headers:
        name = name_of(await upstream.peek(_PEEK_BYTES) or b"")
    return {} if name is None else {"Location": JOB.format(namespace=namespace, name=name)}


async def _looked(manifest: bytes, namespace: str) -> ManifestLook:
    if len(manifest) <= _LOOK_IN_THREAD_BYTES:
        return look(manifest, namespace)
    return await asyncio.to_thread(look, manifest, namespace)
