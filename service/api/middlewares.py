"""What happens around every handler: a request id, the audit line, and the one place where errors are rendered."""

import random
import re
from collections.abc import Iterable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from service.api import keys
from service.api.measuring import measure
from service.audit import AuditRecord
from service.errors import ApiError, InternalError, MethodNotAllowed, NotFound

_log = structlog.stdlib.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# The order in which Allow names them; aiohttp knows them as a set.
_METHODS = ("GET", "HEAD", "POST", "DELETE")
_JOB_METHODS = {"GET", "HEAD", "DELETE"}


@web.middleware
async def audit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id, and leave one line when it is over, also when its caller hangs up."""
    record = AuditRecord(
        request_id=request_id_of(request.headers.get(REQUEST_ID_HEADER)),
        method=request.method,
        path=request.rel_url.raw_path,
    )
    request[keys.AUDIT] = record
    try:
        response = await handler(request)
        record.code = response.status
    finally:
        record.write()
        measure(request, record)
    return response


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure of a handler into a Status; of one that nobody foresaw only the request id is told."""
    try:
        return await handler(request)
    except ApiError as error:
        return rendered(error)
    except web.HTTPMethodNotAllowed as error:
        return rendered(_method_not_allowed(request, error.allowed_methods))
    except web.HTTPNotFound:
        return rendered(NotFound("the server could not find the requested resource: there is no such route"))
    except web.HTTPException as error:
        return rendered(ApiError(error.reason, code=error.status))
    except ConnectionError:
        raise  # the caller is gone; aiohttp ends the connection
    except Exception:
        answer = told_of_a_bug(request[keys.AUDIT].request_id)
        if request.writer.output_size > 0:
            request[keys.AUDIT].aborted = True
            raise ConnectionError("the answer has begun; a second one would be read as its rest") from None
        return answer


async def on_response_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on that every answer bears."""
    record = request[keys.AUDIT]
    record.code = response.status  # of a stream, whose caller ends it by hanging up
    response.headers[REQUEST_ID_HEADER] = record.request_id
    response.headers["Server"] = "job-api"
    if request.app[keys.READINESS].draining:
        # A connection that is kept would be closed some time soon, perhaps with its next request on the way.
        response.force_close()
        response.headers["Connection"] = "close"


def told_of_a_bug(request_id: str) -> web.Response:
    """Log the exception that is being handled, which nobody foresaw, and return what the caller is told of it."""
    _log.exception("a bug", request_id=request_id)
    return rendered(InternalError(f"an internal error occurred; the service's log has it as request {request_id}"))


def rendered(error: ApiError) -> web.Response:
    """Return an error as the answer that the caller gets."""
    return web.Response(
        status=error.code, body=error.status(), content_type="application/json", headers=error.headers
    )


def new_request_id() -> str:
    """Return an id for a request that came without a usable one."""
    # It is no secret, and to ask the system for bytes takes 10 µs.
    return f"{random.getrandbits(128):032x}"


def request_id_of(given: str | None) -> str:
    """Return the id that a request came with, or one of ours where that is not usable."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_request_id()


def _method_not_allowed(request: web.Request, methods: Iterable[str]) -> MethodNotAllowed:
    allow = [method for method in _METHODS if method in set(methods)]
    message = "the server does not allow this method on the requested resource"
    if set(allow) == _JOB_METHODS and request.method in {"PUT", "PATCH"}:
        message += ": a Job is not edited here; delete it and create it anew"
    return MethodNotAllowed(message, allow=allow)
