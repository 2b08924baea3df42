"""The Job itself: read, list, create, delete; there is no route that edits one."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from service.api import body, delete_options, keys, query
from service.api.cached_reads import MISS, cached_job, cached_list, is_cacheable
from service.api.forwarding import forwarded
from service.api.selections import selected_name
from service.api.shared_reads import read_shared
from service.api.streaming import relay
from service.api.watches import watch_jobs
from service.kube.client import UpstreamResponse
from service.kube.objects import name_of
from service.manifests import ManifestLook, look
from service.resources import JOBS, check_name, check_namespace

ALL = "/api/v1/_raw/job"
COLLECTION = ALL + "/namespace/{namespace}"
JOB = COLLECTION + "/name/{name}"

# A look at more than this takes milliseconds, and does not hold up the other requests in a thread.
_LOOK_IN_THREAD_BYTES = 64 * 1024

# Larger than any Job that etcd would take.
_PEEK_BYTES = 4 * 1024 * 1024


async def get_job(request: web.Request) -> web.StreamResponse:
    """Answer with one raw Job."""
    namespace, name = _namespace(request), check_name(request.match_info["name"])
    asked = query.read_query(request, query.GET)
    request[keys.AUDIT].about("get", JOBS.plural, namespace, name)
    if not is_cacheable(request, asked):
        return await read_shared(request, JOBS.path(namespace, name), asked)
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
    """Create the Job of the body's manifest, whose bytes go upstream as they came."""
    namespace = _namespace(request)
    asked = query.read_query(request, query.CREATE)
    request[keys.AUDIT].about("create", JOBS.plural, namespace)
    manifest = await body.read_body(request)
    seen = await _looked(manifest, namespace)
    headers = forwarded(request) | {"Content-Type": seen.content_type}
    upstream_query = query.encoded({"fieldValidation": "Strict"} | asked)
    client = request.app[keys.KUBE_CLIENT]
    async with await client.write("POST", JOBS.path(namespace), upstream_query, headers, manifest) as upstream:
        return await relay(request, upstream, await _location(asked, namespace, seen, upstream))


async def delete_job(request: web.Request) -> web.StreamResponse:
    """Delete one Job, and its pods unless the caller says otherwise."""
    namespace, name = _namespace(request), check_name(request.match_info["name"])
    asked = query.read_query(request, query.DELETE)
    request[keys.AUDIT].about("delete", JOBS.plural, namespace, name)
    options = delete_options.merged(asked, await body.read_body(request))
    headers = forwarded(request) | {"Content-Type": "application/json"}
    upstream_query = query.encoded({key: asked[key] for key in ("pretty", "timeout") if key in asked})
    client = request.app[keys.KUBE_CLIENT]
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
    verb = "watch" if watches else "list"
    request[keys.AUDIT].about(verb, JOBS.plural, namespace or "", selected_name(asked))
    if watches:
        return await watch_jobs(request, namespace, asked)
    path = JOBS.path(namespace)
    if not is_cacheable(request, asked):
        return await _relayed(request, path, asked)
    return await cached_list(request, namespace, asked) or await _relayed(request, path, asked, MISS)


async def _relayed(
    request: web.Request, path: str, asked: Mapping[str, str], extra_headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    client = request.app[keys.KUBE_CLIENT]
    async with await client.read(path, query.encoded(asked), forwarded(request)) as upstream:
        return await relay(request, upstream, extra_headers)


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
