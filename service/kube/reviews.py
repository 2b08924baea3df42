"""Asks the apiserver who a caller is and what a caller may do. Each question is a review that is created.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#token-review and
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from service.errors import ServiceUnavailable, Timeout, Unauthorized
from service.kube.client import KubeClient
from service.kube.responses import UpstreamBroken
from service.metrics import Metrics
from service.resources import Resource

logger = logging.getLogger(__name__)

_TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews")
_SELF_SUBJECT_REVIEWS = Resource("authentication.k8s.io", "v1", "selfsubjectreviews")
_ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews")
_SELF_ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
# A user may be in thousands of groups.
_ANSWER_BYTES = 4 * 1024 * 1024


class UserInfo(msgspec.Struct, frozen=True):
    """A user, as the apiserver's authenticators know it.

    Attributes:
        username: the name.
        uid: what tells this user from others who had the name before; may be empty.
        groups: the groups that the user is in.
        extra: what else an authenticator says of the user.
    """

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = {}


class AccessAttributes(NamedTuple):
    """What somebody wants to do, in the words of an RBAC rule.

    Attributes:
        verb: the Kubernetes verb.
        resource: the resource.
        namespace: the namespace; empty for all.
        name: the object's name; empty where it is not about one.
    """

    verb: str
    resource: Resource
    namespace: str
    name: str


class Decision(NamedTuple):
    """What a review of access says.

    Attributes:
        allowed: whether it is allowed.
        reason: why, in the authorizer's words; may be empty.
        certain: whether every authorizer could be asked. A yes always is.
    """

    allowed: bool
    reason: str
    certain: bool


class _TokenStatus(msgspec.Struct):
    authenticated: bool = False
    user: UserInfo = UserInfo()
    audiences: list[str] | None = None


class _TokenReview(msgspec.Struct):
    status: _TokenStatus


class _SelfStatus(msgspec.Struct, rename="camel"):
    user_info: UserInfo


class _SelfSubjectReview(msgspec.Struct):
    status: _SelfStatus


class _AccessStatus(msgspec.Struct, rename="camel"):
    allowed: bool = False
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class _AccessReview(msgspec.Struct):
    status: _AccessStatus


Review = TypeVar("Review", _TokenReview, _SelfSubjectReview, _AccessReview)


class Reviewer:
    """Creates reviews, each under a deadline.

    Args:
        client: in whose name they are created.
        seconds: until the apiserver has answered.
        metrics: counts them.
    """

    def __init__(self, client: KubeClient, seconds: float, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics
        self._seconds = seconds

    async def review_token(self, token: str, audience: str | None) -> UserInfo | None:
        """Return whose a token is; None when the apiserver does not accept it, or not for the audience.

        Args:
            token: the bearer token.
            audience: who the token must have been made for; None for the apiserver itself.

        Raises:
            ServiceUnavailable, Timeout: there is no answer that could be relied on.
        """
        spec = {"token": token} | ({} if audience is None else {"audiences": [audience]})
        with _Measured(self._metrics, "TokenReview") as measured:
            status = (await self._review(_TOKEN_REVIEWS, "TokenReview", _TokenReview, spec)).status
            # An authenticator that knows no audiences accepts any; it then names none.
            is_meant = audience is None or audience in (status.audiences or ())
            accepted = measured.result(status.authenticated and bool(status.user.username) and is_meant)
        return status.user if accepted else None

    async def review_self(self) -> UserInfo:
        """Return who the client speaks for.

        Raises:
            Unauthorized: the apiserver does not accept the client's token.
            ServiceUnavailable, Timeout: as in `review_token`.
        """
        with _Measured(self._metrics, "SelfSubjectReview") as measured:
            review = await self._review(_SELF_SUBJECT_REVIEWS, "SelfSubjectReview", _SelfSubjectReview, None)
            measured.result(True)
        return review.status.user_info

    async def review_access(self, user: UserInfo, attributes: AccessAttributes) -> Decision:
        """Return whether a user may do something.

        Raises:
            ServiceUnavailable, Timeout: as in `review_token`.
        """
        spec = {
            "user": user.username,
            "uid": user.uid,
            "groups": user.groups,
            "extra": user.extra,
            "resourceAttributes": _resource_attributes(attributes),
        }
        return await self._decide(_ACCESS_REVIEWS, "SubjectAccessReview", spec)

    async def review_self_access(self, attributes: AccessAttributes) -> Decision:
        """Return whether the one whom the client speaks for may do something.

        Raises:
            Unauthorized: as in `review_self`.
            ServiceUnavailable, Timeout: as in `review_token`.
        """
        spec = {"resourceAttributes": _resource_attributes(attributes)}
        return await self._decide(_SELF_ACCESS_REVIEWS, "SelfSubjectAccessReview", spec)

    async def _decide(self, resource: Resource, kind: str, spec: Mapping[str, Any]) -> Decision:
        with _Measured(self._metrics, kind) as measured:
            decision = _decision(await self._review(resource, kind, _AccessReview, spec))
            measured.result(decision.allowed)
        return decision

    async def _review(
        self, resource: Resource, kind: str, type_: type[Review], spec: Mapping[str, Any] | None
    ) -> Review:
        content = {"kind": kind, "apiVersion": f"{resource.group}/{resource.version}"}
        body = msgspec.json.encode(content | ({} if spec is None else {"spec": spec}))
        try:
            async with (
                asyncio.timeout(self._seconds),
                await self._client.review(resource.path(), body) as upstream,
            ):
                answer = await upstream.read(_ANSWER_BYTES)
        except TimeoutError:
            raise Timeout(f"the apiserver did not answer a {kind} within {self._seconds:g} s") from None
        except UpstreamBroken as error:
            raise ServiceUnavailable(f"the apiserver's answer to a {kind} broke off") from error
        if upstream.status == 401:
            raise Unauthorized("the apiserver does not accept the token")
        if upstream.status != 201 or answer is None:
            logger.error("the apiserver answers %d to a %s", upstream.status, kind)
            raise ServiceUnavailable(_refused(upstream.status, resource, kind))
        try:
            return msgspec.json.decode(answer, type=type_)
        except msgspec.DecodeError as error:
            raise ServiceUnavailable(f"the apiserver's answer to a {kind} cannot be read") from error


class _Measured:
    """Counts a review when it is over, unless nobody waits for it any more; without a result it is an error."""

    def __init__(self, metrics: Metrics, kind: str) -> None:
        self._metrics = metrics
        self._kind = kind
        self._result = "error"
        self._began = time.perf_counter()

    def result(self, allowed: bool) -> bool:
        self._result = "allowed" if allowed else "denied"
        return allowed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Unauthorized):
            self._result = "denied"
        if not isinstance(error, asyncio.CancelledError):
            self._metrics.review(self._kind, self._result, time.perf_counter() - self._began)


def _refused(code: int, resource: Resource, kind: str) -> str:
    told = f"callers cannot be reviewed: the apiserver answered {code} to a {kind}"
    return told if code != 403 else f"{told}; it takes the right to create {resource.plural}.{resource.group}"


def _resource_attributes(attributes: AccessAttributes) -> dict[str, str]:
    return {
        "verb": attributes.verb,
        "group": attributes.resource.group,
        "version": attributes.resource.version,
        "resource": attributes.resource.plural,
        "subresource": attributes.resource.subresource,
        "namespace": attributes.namespace,
        "name": attributes.name,
    }


def _decision(review: _AccessReview) -> Decision:
    status = review.status
    allowed = status.allowed and not status.denied
    return Decision(allowed, status.reason, certain=allowed or not status.evaluation_error)
