"""Reads a request's body: bounded, under a deadline, and not before everything else about the request is right."""

import asyncio

from aiohttp import HttpVersion11, web

from service.api import keys
from service.body_chunks import next_chunk
from service.errors import BadRequest, RequestEntityTooLarge, RequestTimeout, UnsupportedMediaType

# What kube-apiserver takes at most (MaxRequestBodyBytes in its generic server; no flag changes it).
MAX_BYTES = 3 * 1024 * 1024
# Forms that no look can go into: https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
_BINARY_TYPES = ("application/vnd.kubernetes.protobuf", "application/cbor")


async def postpone_continue(request: web.Request) -> None:
    """Answer `Expect: 100-continue` later, in `read_body`: a request that is refused need not send its body."""


async def read_body(request: web.Request) -> bytes:
    """Return the whole body.

    Raises:
        UnsupportedMediaType: it is in a binary form.
        RequestEntityTooLarge: it is longer than MAX_BYTES; the rest of it is not read.
        RequestTimeout: nothing more of it came for the time between chunks, or the whole did not come in time.
        BadRequest: it is shorter than announced, or its chunks are broken.
    """
    _check_headers(request)
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun
    seconds = request.app[keys.SETTINGS].body_seconds
    try:
        async with asyncio.timeout(seconds):
            return await _whole(request)
    except TimeoutError:
        raise RequestTimeout(f"the body did not come whole within {seconds:g} s") from None


def refuse_codings(request: web.Request) -> None:
    """Refuse a request whose content is said to be compressed, whether anybody would read it or not.

    Raises:
        UnsupportedMediaType: it is.
    """
    codings = ",".join(request.headers.getall("Content-Encoding", ("identity",)))
    if any(coding.strip().lower() != "identity" for coding in codings.split(",")):
        raise UnsupportedMediaType("a compressed body is not read; send it without Content-Encoding")


def _check_headers(request: web.Request) -> None:
    if request.content_type.lower() in _BINARY_TYPES:
        raise UnsupportedMediaType(f"a body of type {request.content_type} is not read; send YAML or JSON")
    if request.content_length is not None and request.content_length > MAX_BYTES:
        raise _too_large()


async def _whole(request: web.Request) -> bytes:
    body = bytearray()
    while chunk := await _next_chunk(request):
        body += chunk
        if len(body) > MAX_BYTES:
            raise _too_large()
    return bytes(body)


async def _next_chunk(request: web.Request) -> bytes:
    seconds = request.app[keys.SETTINGS].chunk_seconds
    try:
        return await next_chunk(request.content, seconds)
    except TimeoutError:
        raise RequestTimeout(f"nothing more of the body came for {seconds:g} s") from None
    except web.RequestPayloadError:
        raise BadRequest("the body broke off, or its chunked encoding is broken") from None


def _too_large() -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than the {MAX_BYTES} bytes that the apiserver takes")
