"""The ApiError family, and the metav1.Status that each of them becomes.

Every failure that a caller may see is raised as an ApiError and rendered once, by the middleware in
`service.api.middlewares`. The shape is Kubernetes' own: see
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#response-status-kind
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec

# metav1.StatusReason by HTTP code, as the apiserver's own NewGenericServerResponse names them.
_REASONS = MappingProxyType(
    {
        400: "BadRequest",
        401: "Unauthorized",
        403: "Forbidden",
        404: "NotFound",
        405: "MethodNotAllowed",
        406: "NotAcceptable",
        408: "Timeout",
        409: "Conflict",
        410: "Gone",
        413: "RequestEntityTooLarge",
        415: "UnsupportedMediaType",
        422: "Invalid",
        429: "TooManyRequests",
        500: "InternalError",
        503: "ServiceUnavailable",
        504: "Timeout",
    }
)


_SHOWN_LENGTH = 64


def shown(value: str) -> str:
    """Return a caller's text as a message shows it: quoted, in ASCII, and not at length."""
    return ascii(value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "…")


def reason_of(code: int) -> str:
    """Return the metav1.StatusReason of an HTTP status code; of one without its own, the HTTP phrase."""
    if code in _REASONS:
        return _REASONS[code]
    try:
        return HTTPStatus(code).phrase.replace(" ", "").replace("-", "")
    except ValueError:
        return "Unknown"


class ApiError(Exception):
    """A failure that is told to the caller as a metav1.Status.

    Args:
        message: what is wrong and how to mend it. It reaches the caller: no token, no upstream address,
            no text of an exception.
        code: the HTTP status code, unless the class has its own.
        reason: the metav1.StatusReason, unless it is the usual one of the code.
        details: the Status' `details`, where they help.
        headers: response headers that belong to the error, such as Allow or Retry-After.
    """

    code = 500

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.headers = dict(headers or {})
        if code is not None:
            self.code = code
        self.reason = reason or reason_of(self.code)

    def status(self) -> bytes:
        """Return the metav1.Status as JSON, its keys in the apiserver's order."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            body["details"] = self.details
        body["code"] = self.code
        return msgspec.json.encode(body) + b"\n"


class BadRequest(ApiError):
    """A parameter, a name or a body that cannot be read."""

    code = 400


class Forbidden(ApiError):
    """The caller may not do this."""

    code = 403


class NotFound(ApiError):
    """No such route; whether there is such a Job is the apiserver's to say."""

    code = 404


class MethodNotAllowed(ApiError):
    """The route exists, the method does not.

    Args:
        message: what the route offers instead.
        allow: the methods that the route has, in the order in which `Allow` names them.
    """

    code = 405

    def __init__(self, message: str, *, allow: Sequence[str]) -> None:
        super().__init__(message, headers={"Allow": ", ".join(allow)})


class NotAcceptable(ApiError):
    """An answer in a form that is not made here."""

    code = 406


class RequestTimeout(ApiError):
    """The caller did not send its body in time."""

    code = 408


class Conflict(ApiError):
    """The Job is in a state that excludes what is asked for."""

    code = 409


class Expired(ApiError):
    """A resourceVersion since which not everything is known any more; the reader must list anew."""

    code = 410

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="Expired")


class RequestEntityTooLarge(ApiError):
    """The body is larger than the apiserver would take."""

    code = 413


class UnsupportedMediaType(ApiError):
    """A body in a form that is not read here."""

    code = 415


class RequestHeaderFieldsTooLarge(ApiError):
    """The URL or a header is over its limit (RFC 6585, section 5)."""

    code = 431


class InternalError(ApiError):
    """A bug of ours."""

    code = 500


class ServiceUnavailable(ApiError):
    """The apiserver cannot be reached, or refuses the service's own credentials."""

    code = 503

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details=details, headers={"Retry-After": "1"})


class Timeout(ApiError):
    """The apiserver stayed silent past the deadline, the outcome of a write is unknown, or a wait is over.

    There is no Retry-After on purpose: client-go sends any request again that is answered with one.
    """

    code = 504
