"""Reads that the cache can answer: a resourceVersion that it has, and plain JSON. Section 4 of the contract."""

from collections.abc import Iterator, Mapping, Sequence

from aiohttp import web

from service.api import keys, query
from service.api.accept import form_of
from service.api.answers import Answer, Header
from service.api.selections import selection_of
from service.api.streaming import PIECE_BYTES, answer_with, write_pieces
from service.cache.job_cache import JobCache
from service.cache.live_jobs import LiveJobs
from service.kube.jobs import Job

# RFC 9211; a read that the cache could have answered, had it been there.
MISS: Mapping[str, str] = {"Cache-Status": "job-api; fwd=miss"}
_HIT = "job-api; hit"
IF_NONE_MATCH = Header("If-None-Match", "the ETag of an earlier answer from the cache: 304 while it is still true")
NOT_MODIFIED = Answer(304, "What If-None-Match names is still true.")
_LIST_HEAD = b'{"kind":"JobList","apiVersion":"batch/v1","metadata":{"resourceVersion":"%d"},"items":['
_LIST_TAIL = b"]}\n"


def is_cacheable(request: web.Request, asked: Mapping[str, str]) -> bool:
    """Tell whether a read asks for something that a cache may answer: any version, or one not older than some."""
    if not request.app[keys.LIVE_JOBS].enabled or not asked.get("resourceVersion"):
        return False
    if asked.get("continue") or "sendInitialEvents" in asked or query.is_true(asked.get("pretty")):
        return False
    if asked.get("resourceVersionMatch") == "Exact" or form_of(request) != "json":
        return False
    # With another version than 0 a limit means exactly that version, and with 0 it means nothing:
    # https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-version-parameter
    return asked["resourceVersion"] == "0" or int(asked.get("limit", "0")) <= 0


async def cached_job(
    request: web.Request, namespace: str, name: str, asked: Mapping[str, str]
) -> web.StreamResponse | None:
    """Return a Job from the cache, or None when it has none that is new enough."""
    live = request.app[keys.LIVE_JOBS]
    live.lookups += 1
    if (found := find_job(live, namespace, name, int(asked["resourceVersion"]))) is None:
        return None
    job, headers = found
    live.hits += 1
    if _is_known(request, job.resource_version):
        return web.Response(status=304, headers=headers)
    return await answer_with(request, job.raw + b"\n", headers | {"Content-Type": "application/json"})


def find_job(live: LiveJobs, namespace: str, name: str, oldest: int) -> tuple[Job, dict[str, str]] | None:
    """Return a Job from the cache, and the headers that go with it; None when the cache has none that will do.

    Args:
        live: has the cache.
        namespace: the Job's namespace.
        name: its name.
        oldest: the resourceVersion that the cache has to have reached.
    """
    cache = _cache_for(live, namespace, oldest)
    if cache is None or (job := cache.store.get(namespace, name)) is None:
        return None
    return job, _headers(cache, job.resource_version)


async def cached_list(
    request: web.Request, namespace: str | None, asked: Mapping[str, str]
) -> web.StreamResponse | None:
    """Answer with a list from the cache, or return None when it is not new enough, or a selector is none."""
    live = request.app[keys.LIVE_JOBS]
    live.lookups += 1
    cache = _cache_for(live, namespace, int(asked["resourceVersion"]))
    selection = selection_of(namespace, asked)
    if cache is None or selection is None:
        return None
    live.hits += 1
    version = cache.window.latest
    headers = _headers(cache, version)
    if _is_known(request, version):
        return web.Response(status=304, headers=headers)
    jobs, head = cache.store.select(selection), _LIST_HEAD % version
    commas = max(0, len(jobs) - 1)
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    response.content_length = len(head) + sum(len(job.raw) for job in jobs) + commas + len(_LIST_TAIL)
    return await write_pieces(request, response, _list_pieces(head, jobs))


def _cache_for(live: LiveJobs, namespace: str | None, oldest: int) -> JobCache | None:
    """Return the cache of a namespace where it is as new as asked for."""
    if not live.is_synced(namespace):
        return None
    cache = live.scope_of(namespace).cache
    return cache if cache.window.latest >= oldest else None


def _headers(cache: JobCache, version: int) -> dict[str, str]:
    return {
        "Cache-Status": _HIT,
        "Age": f"{cache.age:.0f}",
        "ETag": f'"{version}"',
        "Vary": "Accept, Accept-Encoding",
        "Cache-Control": "no-cache, private",
    }


def _is_known(request: web.Request, version: int) -> bool:
    return any(etag.value in {str(version), "*"} for etag in request.if_none_match or ())


def _list_pieces(head: bytes, jobs: Sequence[Job]) -> Iterator[bytes]:
    """Yield the list in pieces that are worth a write."""
    piece, separator = bytearray(head), b""
    for job in jobs:
        piece += separator + job.raw
        separator = b","
        if len(piece) > PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + _LIST_TAIL
