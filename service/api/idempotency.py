"""A create that can be repeated: the header Idempotency-Key, and the answer to a call that was carried out before.

There is no state but the Job, so a repetition may come to another replica, and after an answer that was lost on
either side of the service. https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiohttp import web

from service.api import guard, query
from service.api.accept import form_of
from service.api.answers import Header
from service.api.shared_reads import read_answer, read_shared
from service.api.streaming import relay_answer
from service.errors import ApiError, BadRequest, ServiceUnavailable, Timeout, shown
from service.kube.answers import Answer
from service.kube.lists import JSON
from service.kube.objects import annotation_of
from service.kube.responses import UpstreamBroken
from service.manifests import ANNOTATION, RepeatableManifest, read_mark
from service.resources import JOBS, check_name

# A String of RFC 9651, section 3.3.3, or the same text without quotes, where it could be nothing else.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-+\--\[\]-~]+")
_ESCAPED = re.compile(r"\\(.)")
_LONGEST_KEY = 255

IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "a text of the caller's own making, under which the same call may be sent again until it is answered",
    {"type": "string", "minLength": 1, "maxLength": _LONGEST_KEY, "pattern": f"^({_BARE.pattern})$"},
    "8e03978e-40d5-43e8-bc93-6894a57f9324",
)
REPLAYED = (
    Header("Idempotency-Replayed", "true", {"type": "string", "enum": ["true"]}),
    Header("Location", "the Job's path"),
)


def read_key(request: web.Request) -> str | None:
    """Return a request's idempotency key, None where there is none.

    Raises:
        BadRequest: the header comes several times, or holds no key.
    """
    lines = request.headers.getall(IDEMPOTENCY_KEY.name, ())
    if not lines:
        return None
    key = _parsed(lines[0]) if len(lines) == 1 else None
    if key is None or not 1 <= len(key) <= _LONGEST_KEY:
        raise BadRequest(
            f"header {IDEMPOTENCY_KEY.name!r} is no key: send it once, with one text of 1 to {_LONGEST_KEY} "
            f'printable ASCII characters, such as "{IDEMPOTENCY_KEY.example}", with or without the quotes'
        )
    return key


@contextmanager
def telling_of_the_key() -> Iterator[None]:
    """Let a failure with unknown outcome say that this call may be repeated.

    Raises:
        Timeout: it was raised within; its message says more now.
    """
    try:
        yield
    except Timeout as error:
        raise Timeout(f"{error.message}, or send the same again with the same {IDEMPOTENCY_KEY.name}") from error


async def find_replay(
    request: web.Request,
    namespace: str,
    asked: Mapping[str, str],
    manifest: RepeatableManifest,
    extra_headers: Mapping[str, str],
) -> web.StreamResponse | None:
    """Return the answer to a create that was refused because its Job is there; None when the refusal is the answer.

    Whatever the refusal says: a quota or a webhook may refuse the repetition of what it once let through.

    Args:
        request: the create.
        namespace: its namespace.
        asked: its query.
        manifest: what was sent upstream.
        extra_headers: headers that go with the Job.

    Raises:
        ApiError: the key was used with another manifest; the caller may not read the Job; or it cannot be read now,
            and the call may be repeated.
    """
    try:
        path = JOBS.path(namespace, check_name(manifest.name))
    except BadRequest:
        return None  # no Job has this name
    wanted = query.about_the_answer(asked)
    answer = await _read(request, path, wanted)
    if answer.status == 429 or answer.status >= 500:
        return await relay_answer(request, answer)
    mark = read_mark(annotation_of(answer.body, ANNOTATION) or "")
    if mark.key != manifest.mark.key:
        return None
    if mark.body != manifest.mark.body:
        raise _used_before(manifest.name)
    await guard.authorize_replay(request, namespace, manifest.name)
    headers = {**extra_headers, REPLAYED[0].name: "true"}
    if form_of(request) == "json":
        return await relay_answer(request, answer, headers)
    return await read_shared(request, path, wanted, headers)


async def _read(request: web.Request, path: str, wanted: Mapping[str, str]) -> Answer:
    try:
        answer = await read_answer(request, path, query.encoded(wanted), JSON)
    except UpstreamBroken as error:
        raise ServiceUnavailable("the apiserver's answer broke off; send the same again") from error
    if answer is None:
        raise ServiceUnavailable("the Job that is there is too long to be looked into")
    return answer


def _used_before(name: str) -> ApiError:
    told = (
        f"{IDEMPOTENCY_KEY.name}: this key made Job {shown(name)} of another manifest; "
        "use a new key for another Job"
    )
    cause = {"reason": "IdempotencyKeyReused", "message": told}
    details = {"name": name, "group": JOBS.group, "kind": JOBS.plural, "causes": [cause]}
    return ApiError(told, code=422, details=details)


def _parsed(value: str) -> str | None:
    if quoted := _QUOTED.fullmatch(value):
        return _ESCAPED.sub(r"\1", quoted[1])
    return value if _BARE.fullmatch(value) else None
