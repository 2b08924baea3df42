"""Relays an upstream answer: its bytes as they come, with the caller's pace, and an end only where it ended."""

import asyncio

from aiohttp import web
from multidict import CIMultiDict

from service.api import keys
from service.kube.client import UpstreamBroken, UpstreamResponse
from service.kube.statuses import is_status, wrapped

# Section 3 of the contract; everything else that upstream says in headers stays between it and us.
_RELAYED_HEADERS = (
    "Content-Type",
    "Content-Encoding",
    "Vary",
    "Cache-Control",
    "Warning",
    "Audit-Id",
    "Retry-After",
)
# Larger than any Status that the apiserver was seen to write; a longer error body is not worth holding.
_ERROR_BYTES = 4 * 1024 * 1024
# A body up to this size is sent together with its headers, in one write.
_SMALL_BYTES = 64 * 1024


async def relay(
    request: web.Request, upstream: UpstreamResponse, extra_headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Answer with what upstream answers: status, the headers that are relayed, and the body byte for byte.

    An error that is no Status becomes one. The answer to HEAD has no body. When upstream breaks off, the
    caller's connection is aborted: a cut body never looks complete.

    Args:
        request: the caller's request.
        upstream: the answer to relay; the one who opened it closes it.
        extra_headers: headers of ours that go with a success.

    Raises:
        ApiError: upstream's answer is neither a success nor a Status.
    """
    request[keys.AUDIT].upstream_audit_id = upstream.headers.get("Audit-Id")
    try:
        if not 200 <= upstream.status < 300:
            return await _relay_error(upstream)
        headers = _relayed(upstream)
        headers.update(extra_headers or {})
        if request.method != "HEAD" and upstream.length is not None and upstream.length <= _SMALL_BYTES:
            return web.Response(status=upstream.status, headers=headers, body=await upstream.read(_SMALL_BYTES))
        return await _stream(request, upstream, headers)
    except UpstreamBroken:
        return _abort(request)


def _relayed(upstream: UpstreamResponse) -> CIMultiDict[str]:
    headers = CIMultiDict[str]()
    for name in _RELAYED_HEADERS:
        for value in upstream.headers.getall(name, ()):
            headers.add(name, value)
    return headers


async def _relay_error(upstream: UpstreamResponse) -> web.StreamResponse:
    body = await upstream.read(_ERROR_BYTES)
    if upstream.status < 400 or body is None or not is_status(upstream.headers, body, _ERROR_BYTES):
        raise wrapped(upstream.status, upstream.headers)
    return web.Response(status=upstream.status, headers=_relayed(upstream), body=body)


async def _stream(
    request: web.Request, upstream: UpstreamResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, headers=headers)
    response.content_length = upstream.length
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in upstream.chunks():
            try:
                async with asyncio.timeout(request.app[keys.SETTINGS].chunk_seconds):
                    await response.write(chunk)
            except TimeoutError:
                return _abort(request, response)
    await response.write_eof()
    return response


def _abort(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Cut the caller's connection, so that what was sent cannot be taken for the whole."""
    request[keys.AUDIT].aborted = True
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response(status=502)
