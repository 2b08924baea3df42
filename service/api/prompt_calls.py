"""Calls about one Job that go past aiohttp's routes, its Request and its Response, which are most of their cost.

Only what has been answered with a Job before is answered here. Whatever is not as it was then
(a review that is forgotten, a cache that has no such Job, a service that is full) sends a request the long way.
"""

import http
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from aiohttp import HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from service.api import keys
from service.api.admission import Place
from service.api.cached_reads import find_job
from service.api.creates import location_of, looked
from service.api.forwarding import forwarded
from service.api.known_calls import KnownCall
from service.api.measuring import count
from service.api.middlewares import REQUEST_ID_HEADER, rendered, request_id_of, told_of_a_bug
from service.api.operations import COLLECTION, JOB
from service.api.shared_reads import UpstreamRead, shared_answer
from service.api.streaming import SMALL_BYTES, error_of, relayed_pairs
from service.audit import AuditRecord
from service.errors import ApiError
from service.kube.answers import Answer
from service.kube.responses import UpstreamBroken

# A manifest that is longer goes the long way.
_MOST_BODY_BYTES = 32 * 1024
# The apiserver adds no such amount to a manifest of that size.
_MOST_ANSWER_BYTES = 1024 * 1024
_PLAIN_JSON = ("Content-Type", "application/json")
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


class Reply(NamedTuple):
    """An answer as it is sent.

    Attributes:
        head: its status line and its headers, to which more can be added: the empty line after them is not there.
        body: its body.
    """

    head: bytes
    body: bytes


class PromptCalls:
    """Answers calls that are known.

    Args:
        app: the application, once it has started.
    """

    def __init__(self, app: web.Application) -> None:
        self._known = app[keys.KNOWN_CALLS]
        self._access = app[keys.ACCESS]
        self._admission = app[keys.ADMISSION]
        self._live = app[keys.LIVE_JOBS]
        self._metrics = app[keys.METRICS]
        self._readiness = app[keys.READINESS]

    @property
    def draining(self) -> bool:
        """Whether no connection is to be kept any more."""
        return self._readiness.draining

    def answer(self, message: RawRequestMessage, body: StreamReader) -> "Reply | LaterReply | None":
        """Return the answer to a request, or what has to be awaited for it.

        Args:
            message: the request's line and headers.
            body: its body, as far as it has come.

        Returns:
            None where the request is to go to the routes, which is so with everything that is not known.
        """
        if message.version != HttpVersion11 or message.should_close or not body.is_eof():
            return None
        call = self._known.find(message.method, message.path, message.raw_headers)
        if call is None or self._admission.is_full_for(call.caller.admission_key):
            return None
        if call.kind == "cached":
            return self._cached(call, message)
        if body.total_bytes > _MOST_BODY_BYTES or not self._is_let_in(call):
            return None
        if call.kind == "get":
            return self._relayed(call, message, self._read)
        return self._relayed(call, message, partial(self._create, body.read_nowait()))

    def _is_let_in(self, call: KnownCall) -> bool:
        """Tell whether the caller may do it; asked last, for it counts as a lookup of the reviews."""
        return self._access.still_lets(call.caller, call.wanted)

    def _cached(self, call: KnownCall, message: RawRequestMessage) -> Reply | None:
        record = _record(call, message)
        try:
            reply = self._found(call, record)
        except Exception:
            reply = _replied(record, told_of_a_bug(record.request_id))
        if reply is not None:
            self._tell(record)
        return reply

    def _found(self, call: KnownCall, record: AuditRecord) -> Reply | None:
        found = find_job(self._live, call.namespace, call.name, int(call.asked["resourceVersion"]))
        if found is None or len(found[0].raw) >= SMALL_BYTES or not self._is_let_in(call):
            return None
        job, headers = found
        self._live.lookups += 1
        self._live.hits += 1
        return _reply(record, 200, (*headers.items(), _PLAIN_JSON), job.raw + b"\n")

    async def _relayed(self, call: KnownCall, message: RawRequestMessage, work: "_Work") -> Reply | None:
        """Return the answer to a call that goes upstream, where some work is done for it.

        Returns:
            None where the request is to go to the routes after all, which has changed nothing.

        Raises:
            ConnectionError: upstream's answer broke off; so has this connection to be.
        """
        record, is_told = _record(call, message), True
        place = Place(self._admission)
        try:
            reply = await self._answered(_Asked(call, message, record), place, work)
        except UpstreamBroken:
            record.aborted, record.code = True, 502
            raise ConnectionError("upstream's answer broke off") from None
        else:
            is_told = reply is not None
            return reply
        finally:
            place.leave()
            if is_told:
                self._tell(record)

    async def _answered(self, asked: "_Asked", place: Place, work: "_Work") -> Reply | None:
        try:
            place.enter()  # another one may have taken it in this turn of the event loop
            place.belongs_to(asked.call.caller.admission_key)
            return await work(asked)
        except ApiError as error:
            return _replied(asked.record, rendered(error))
        except UpstreamBroken:
            raise
        except Exception:
            return _replied(asked.record, told_of_a_bug(asked.record.request_id))

    async def _read(self, asked: "_Asked") -> Reply | None:
        call, message, record = asked
        read = UpstreamRead(call.upstream_path, call.upstream_query, forwarded(message.headers))
        client = self._access.client_for(call.caller)
        answer = await shared_answer(self._live.reads, client, call.caller, read)
        if answer is None or _is_for_the_routes(answer):
            self._known.forget(message.method, message.path, message.raw_headers)
            return None
        return _told(record, answer, {})

    async def _create(self, manifest: bytes, asked: "_Asked") -> Reply | None:
        call, message, record = asked
        seen = await looked(manifest, call.namespace)
        headers = forwarded(message.headers) | {"Content-Type": seen.content_type}
        client = self._access.client_for(call.caller)
        upstream = await client.write("POST", call.upstream_path, call.upstream_query, headers, manifest)
        async with upstream:
            location = await location_of(call.asked, call.namespace, seen, upstream)
            body = await upstream.read(_MOST_ANSWER_BYTES)
        if body is None:
            raise UpstreamBroken("the answer is longer than any that there is to such a manifest")
        return _told(record, Answer(upstream.status, upstream.headers, body), location)

    def _tell(self, record: AuditRecord) -> None:
        record.write()
        count(self._metrics, JOB if record.name else COLLECTION, record)


class _Asked(NamedTuple):
    """A call that goes upstream."""

    call: KnownCall
    message: RawRequestMessage
    record: AuditRecord


_Work: TypeAlias = Callable[[_Asked], Awaitable[Reply | None]]
LaterReply: TypeAlias = Coroutine[Any, Any, Reply | None]


def _is_for_the_routes(answer: Answer) -> bool:
    """Tell whether an answer is too long to be sent in one piece, or a success that is not told as a Job is."""
    is_job = answer.status == 200 and "Content-Type" in answer.headers
    return len(answer.body) > SMALL_BYTES or (200 <= answer.status < 300 and not is_job)


def _record(call: KnownCall, message: RawRequestMessage) -> AuditRecord:
    attributes = call.wanted[-1]
    return AuditRecord(
        request_id=request_id_of(message.headers.get(REQUEST_ID_HEADER)),
        method=message.method,
        path=call.raw_path,
        user=call.caller.user.username,
        verb=attributes.verb,
        resource=attributes.resource.rule,
        namespace=call.namespace,
        name=call.name,
    )


def _told(record: AuditRecord, answer: Answer, location: Mapping[str, str]) -> Reply:
    """Return what the caller gets of an answer that is whole; the new Job's place goes with a success.

    Raises:
        ApiError: it is neither a success nor a Status.
    """
    record.upstream_audit_id = answer.headers.get("Audit-Id")
    if not 200 <= answer.status < 300:
        return _replied(record, error_of(answer))
    headers = [*relayed_pairs(answer.headers), *location.items()]
    return _reply(record, answer.status, headers, answer.body)


def _replied(record: AuditRecord, response: web.Response) -> Reply:
    body = response.body
    return _reply(record, response.status, response.headers.items(), body if isinstance(body, bytes) else b"")


def _reply(record: AuditRecord, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Reply:
    record.code = status
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = (
        f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n{lines}Content-Length: {len(body)}\r\n"
        f"{REQUEST_ID_HEADER}: {record.request_id}\r\nServer: job-api\r\nDate: {rfc822_formatted_time()}\r\n"
    )
    return Reply(head.encode(errors="surrogateescape"), body)
