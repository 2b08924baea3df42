"""Relays an upstream answer: its bytes as they come, with the caller's pace, and an end only where it ended."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from service.api import keys
from service.kube.answers import Answer
from service.kube.responses import UpstreamBroken, UpstreamResponse
from service.kube.statuses import is_status, wrapped

# Section 3 of the contract; everything else that upstream says in headers stays between it and us.
RELAYED_HEADERS = (
    "Content-Type",
    "Content-Encoding",
    "Vary",
    "Cache-Control",
    "Warning",
    "Audit-Id",
    "Retry-After",
)
_RELAYED = frozenset(name.lower() for name in RELAYED_HEADERS)
# Larger than any Status that the apiserver was seen to write; a longer error body is not worth holding.
_ERROR_BYTES = 4 * 1024 * 1024
# A body up to this size is sent together with its headers, in one write.
SMALL_BYTES = 64 * 1024
# Of a longer one, this much at a time is handed to the caller's connection, which keeps a copy until it is sent.
PIECE_BYTES = 128 * 1024


async def relay(
    request: web.Request, upstream: UpstreamResponse, extra_headers: Mapping[str, str] | None = None
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
            body = await upstream.read(_ERROR_BYTES)
            return _error(upstream.status, upstream.headers, body)
        headers = relayed_headers(upstream.headers)
        headers.update(extra_headers or {})
        if (body := await _small(request, upstream)) is not None:
            return web.Response(status=upstream.status, headers=headers, body=body)
        return await _stream(request, upstream, headers)
    except UpstreamBroken:
        return abort(request)


async def relay_answer(
    request: web.Request, answer: Answer, extra_headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Answer with what upstream answered, as `relay` does, where the whole of it is there already.

    Raises:
        ApiError: the answer is neither a success nor a Status.
    """
    request[keys.AUDIT].upstream_audit_id = answer.headers.get("Audit-Id")
    if not 200 <= answer.status < 300:
        return error_of(answer)
    headers = relayed_headers(answer.headers)
    headers.update(extra_headers or {})
    return await answer_with(request, answer.body, headers, answer.status)


async def answer_with(
    request: web.Request, body: bytes, headers: Mapping[str, str], status: int = 200
) -> web.StreamResponse:
    """Answer with a body that is there already, to which many callers may be given the same bytes.

    Args:
        request: the caller's request.
        body: all of the body; of a long one, each caller costs but a piece.
        headers: the answer's headers, Content-Type among them.
        status: the HTTP status code.
    """
    if len(body) <= SMALL_BYTES:
        return web.Response(status=status, headers=headers, body=body)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    return await write_pieces(request, response, _pieces(body))


async def write_pieces(
    request: web.Request, response: web.StreamResponse, pieces: Iterable[bytes | memoryview]
) -> web.StreamResponse:
    """Answer with a body that is made as it is read; a caller who reads nothing for too long is cut off."""
    await response.prepare(request)
    if request.method != "HEAD":
        for piece in pieces:
            if not await _written(request, response, piece):
                return abort(request, response)
    await response.write_eof()
    return response


async def _small(request: web.Request, upstream: UpstreamResponse) -> bytes | None:
    """Return a body that can be written at once, together with its headers; None where it is on its way.

    The answer to a GET has a Content-Length where upstream's has one, and so has the answer to HEAD.
    """
    if request.method == "HEAD":
        return None
    if upstream.length is not None:
        return await upstream.read(SMALL_BYTES) if upstream.length <= SMALL_BYTES else None
    return None if request.method == "GET" else await upstream.read_arrived()


def error_of(answer: Answer) -> web.Response:
    """Return what the caller gets of an answer that is no success.

    Raises:
        ApiError: it is no Status.
    """
    return _error(answer.status, answer.headers, answer.body)


def relayed_headers(upstream: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Return those of an answer's headers that its caller gets."""
    return CIMultiDict(relayed_pairs(upstream))


def relayed_pairs(upstream: CIMultiDictProxy[str]) -> list[tuple[str, str]]:
    """Return the same as names and values."""
    return [each for each in upstream.items() if each[0].lower() in _RELAYED]


def _error(code: int, headers: CIMultiDictProxy[str], body: bytes | None) -> web.Response:
    if code < 400 or body is None or not is_status(headers, body, _ERROR_BYTES):
        raise wrapped(code, headers)
    relayed = relayed_headers(headers)
    if code == 401:  # the caller's own token was not accepted, which the apiserver says without this
        relayed["WWW-Authenticate"] = "Bearer"
    return web.Response(status=code, headers=relayed, body=body)


async def _stream(
    request: web.Request, upstream: UpstreamResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, headers=headers)
    response.content_length = upstream.length
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in upstream.chunks():
            for piece in _pieces(chunk):
                if not await _written(request, response, piece):
                    return abort(request, response)
    await response.write_eof()
    return response


def _pieces(body: bytes) -> Iterator[memoryview]:
    view = memoryview(body)
    return (view[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES))


async def _written(request: web.Request, response: web.StreamResponse, piece: bytes | memoryview) -> bool:
    """Write a piece, and tell whether the caller has taken it in time."""
    try:
        async with asyncio.timeout(request.app[keys.SETTINGS].chunk_seconds):
            await response.write(piece)
    except TimeoutError:
        request[keys.AUDIT].outcome = "stalled"
        return False
    return True


def abort(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Cut the caller's connection, so that what was sent cannot be taken for the whole."""
    request[keys.AUDIT].aborted = True
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response(status=502)
