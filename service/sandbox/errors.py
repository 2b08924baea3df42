"""What the sandbox says no with, in the apiserver's words."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from service.errors import ApiError
from service.sandbox.field_errors import FieldErrors
from service.sandbox.kinds import Kind
from service.sandbox.store import Object

MAX_BODY_BYTES = 3 * 1024 * 1024
MEDIA_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")


class Refused(ApiError):
    """A refusal whose Status may lack a reason, or have empty details, where the apiserver's does.

    Args:
        message: what is wrong.
        code: the HTTP status code.
        reason: as of ApiError, but empty for a Status that has none.
        details: the Status' details; an empty mapping is told too.
        continue_token: the Status' metadata.continue, where a list may go on from there.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
        continue_token: str = "",
    ) -> None:
        super().__init__(message, code=code, reason=reason, details=details)
        if reason is not None:
            self.reason = reason
        self.continue_token = continue_token


class NotAcceptable(Refused):
    """Nothing that Accept names can be produced."""

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code=406, details=details)


def status_of(error: ApiError) -> Object:
    """Return the metav1.Status of an error, its keys in the apiserver's order."""
    status: Object = msgspec.json.decode(error.status())
    if isinstance(error, Refused):
        if not error.reason:
            del status["reason"]
        if error.details is not None and "details" not in status:
            code = status.pop("code")
            status |= {"details": {}, "code": code}
        if error.continue_token:
            status["metadata"] = {"continue": error.continue_token}
    return status


def unknown_here(what: str) -> Refused:
    """Return the refusal of something that a cluster does and the sandbox does not."""
    return Refused(f"the sandbox does not know {what}; a real cluster does", code=501, reason="NotImplemented")


def not_found(kind: Kind, name: str) -> ApiError:
    """Return the answer that there is no such object."""
    return ApiError(f'{kind.qualified} "{name}" not found', code=404, details=kind.details(name))


def already_exists(kind: Kind, name: str) -> ApiError:
    """Return the answer that there is such an object."""
    message = f'{kind.qualified} "{name}" already exists'
    return ApiError(message, code=409, reason="AlreadyExists", details=kind.details(name))


def conflict(kind: Kind, name: str, message: str) -> ApiError:
    """Return the answer that a precondition does not hold."""
    details = {"name": name, **({"group": kind.group} if kind.group else {}), "kind": kind.name}
    what = f"{kind.name}.{kind.group}" if kind.group else kind.name
    return ApiError(f'Operation cannot be fulfilled on {what} "{name}": {message}', code=409, details=details)


def method_not_allowed() -> Refused:
    """Return the answer that a path has not this method."""
    return Refused("the server does not allow this method on the requested resource", code=405, details={})


def too_large_resource_version(asked: int, current: int) -> ApiError:
    """Return the answer that a resourceVersion is not there yet.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#unavailable-resource-versions
    """
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(
        f"Timeout: Too large resource version: {asked}, current: {current}",
        code=504,
        details={"causes": [cause], "retryAfterSeconds": 1},
        headers={"Retry-After": "1"},
    )


def unsupported_media_type() -> ApiError:
    """Return the answer that a body's Content-Type is not read."""
    accepted = ", ".join(MEDIA_TYPES)
    return ApiError(
        f"the body of the request was in an unknown format - accepted media types include: {accepted}", code=415
    )


def raise_if_invalid(options: str, errors: FieldErrors, *, group: str = "meta.k8s.io", name: str = "") -> None:
    """Raise 422 Invalid for what is wrong with a request's options, such as ListOptions of the object `name`."""
    causes: Sequence[Mapping[str, str]] = errors.causes
    if not causes:
        return
    told = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in causes))
    what = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    about = {**({"name": name} if name else {}), **({"group": group} if group else {})}
    kind = f"{options}.{group}" if group else options
    details = {**about, "kind": options, "causes": causes}
    raise ApiError(f'{kind} "{name}" is invalid: {what}', code=422, details=details)
