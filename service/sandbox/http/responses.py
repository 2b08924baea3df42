"""Puts what was found, or what went wrong, on the wire as the apiserver does."""

import gzip
import uuid

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from service.errors import ApiError, InternalError
from service.sandbox.admission.admit import warning_value
from service.sandbox.errors import MAX_BODY_BYTES, NotAcceptable, status_of
from service.sandbox.http import representations
from service.sandbox.http.negotiation import Representation, negotiate
from service.sandbox.store import Object

# https://kubernetes.io/docs/reference/using-api/api-concepts/#response-compression
_COMPRESSED_FROM_BYTES = 128 * 1024
_COMPRESSION_LEVEL = 1
_log = structlog.stdlib.get_logger(__name__)
_WARNINGS = web.RequestKey("warnings", list[str])


def warn(request: web.Request, *warnings: str) -> None:
    """Have the answer, whichever it will be, warn of something."""
    request[_WARNINGS] = [*request.get(_WARNINGS, ()), *warnings]


def representation_of(request: web.Request, *, transformable: bool = True) -> Representation:
    """Return the representation that a request asks for.

    Raises:
        NotAcceptable: there is none.
    """
    return negotiate(
        request.headers.get("Accept", ""),
        pretty=request.query.get("pretty"),
        user_agent=request.headers.get("User-Agent", ""),
        transformable=transformable,
    )


def answer(
    request: web.Request, content: Object, representation: Representation, *, status: int = 200
) -> web.Response:
    """Return the answer that holds an object."""
    body = representations.written(content, representation)
    headers = {"Content-Type": representation.media_type}
    if _takes_gzip(request) and len(body) > _COMPRESSED_FROM_BYTES:
        body = gzip.compress(body, _COMPRESSION_LEVEL, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return web.Response(body=body, status=status, headers=headers)


@web.middleware
async def errors_to_statuses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with a Status, in the representation that is asked for, what a handler refuses."""
    try:
        return await handler(request)
    except ApiError as error:
        return _refusal(request, error)
    except web.HTTPRequestEntityTooLarge:
        told = f"Request entity too large: limit is {MAX_BODY_BYTES}"
        return _refusal(request, ApiError(told, code=413))
    except Exception:
        _log.exception("a bug of the sandbox", method=request.method, path=request.path)
        if request.writer.output_size:
            raise  # what has begun can only be cut off
        return _refusal(request, InternalError("the sandbox met a bug of its own; its log says more"))


async def prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every answer has."""
    response.headers.pop("Server", None)
    response.headers["Cache-Control"] = "no-cache, private"
    response.headers["Audit-Id"] = str(uuid.uuid4())
    for text in dict.fromkeys(request.get(_WARNINGS, ())):
        response.headers.add("Warning", warning_value(text))


def _refusal(request: web.Request, error: ApiError) -> web.Response:
    status = status_of(error)
    try:
        response = answer(request, status, representation_of(request, transformable=False), status=error.code)
    except NotAcceptable:
        body = msgspec.json.format(msgspec.json.encode(status), indent=2)
        response = web.Response(body=body, status=error.code, content_type="application/json")
    response.headers.update(error.headers)
    return response


def _takes_gzip(request: web.Request) -> bool:
    return "gzip" in {each.strip() for each in request.headers.get("Accept-Encoding", "").split(",")}
