"""Consistent reads of one Job: callers who ask for the same at the same time share one read upstream."""

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from service.access.caller import Caller
from service.api import keys, query
from service.api.forwarding import forwarded
from service.api.streaming import abort, relay, relay_answer
from service.cache.singleflight import SharedReads
from service.kube.answers import Answer, read_whole
from service.kube.client import KubeClient
from service.kube.responses import UpstreamBroken

# More than any Job that etcd would take comes to as JSON; what is longer is relayed to each caller by itself.
_HELD_BYTES = 8 * 1024 * 1024
_DECIDING_HEADERS = ("Accept", "Accept-Encoding")


class UpstreamRead(NamedTuple):
    """A read upstream: the path, the query as it is encoded, and the headers that go along."""

    path: str
    query: str
    headers: Mapping[str, str]


async def read_shared(
    request: web.Request, path: str, asked: Mapping[str, str], extra_headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Answer with an upstream read that began after the request arrived, perhaps for others too."""
    client, headers, text = request[keys.KUBE_CLIENT], forwarded(request.headers), query.encoded(asked)
    try:
        answer = await read_answer(request, path, text, headers)
    except UpstreamBroken:
        return abort(request)
    if answer is not None:
        return await relay_answer(request, answer, extra_headers)
    async with await client.read(path, text, headers) as upstream:
        return await relay(request, upstream, extra_headers)


async def read_answer(
    request: web.Request, path: str, encoded_query: str, headers: Mapping[str, str]
) -> Answer | None:
    """Return the answer to such a read, or None when it is too long to be held.

    Raises:
        ApiError: there is no answer.
        UpstreamBroken: it broke off.
    """
    reads = request.app[keys.LIVE_JOBS].reads
    client, caller = request[keys.KUBE_CLIENT], request[keys.CALLER]
    return await shared_answer(reads, client, caller, UpstreamRead(path, encoded_query, headers))


async def shared_answer(
    reads: SharedReads[Answer | None], client: KubeClient, caller: Caller, read: UpstreamRead
) -> Answer | None:
    """Return the same as `read_answer` to one who has no request.

    Args:
        reads: the reads that are shared.
        client: speaks for the caller.
        caller: who asks.
        read: what is read.

    Raises:
        ApiError, UpstreamBroken: as in `read_answer`.
    """
    # Who speaks for itself gets what the apiserver says to it, and to nobody else.
    speaks_for = caller.key if caller.authorization is not None else ""
    path, encoded_query, headers = read
    key = (path, encoded_query, speaks_for, *[headers.get(name) for name in _DECIDING_HEADERS])
    return await reads.read(key, lambda: read_whole(client, path, encoded_query, headers, _HELD_BYTES))
