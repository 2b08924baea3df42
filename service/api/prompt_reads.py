"""Reads of one Job that go past aiohttp's routes, its Request and its Response, which are most of their cost.

Only what has gone that way before, and was answered with the Job, is answered here. Whatever is not as it was then
(a review that is forgotten, a cache that has no such Job, a service that is full) sends a request the long way.
"""

import http
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeAlias

from aiohttp import HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_parser import RawRequestMessage
from multidict import MultiMapping

from service.api import keys
from service.api.admission import Place
from service.api.cached_reads import find_job
from service.api.forwarding import forwarded
from service.api.known_reads import KnownRead
from service.api.measuring import outcome_of
from service.api.middlewares import REQUEST_ID_HEADER, rendered, request_id_of, told_of_a_bug
from service.api.operations import JOB
from service.api.shared_reads import UpstreamRead, shared_answer
from service.api.streaming import SMALL_BYTES, error_of, relayed_headers
from service.audit import AuditRecord
from service.errors import ApiError
from service.kube.answers import Answer
from service.kube.responses import UpstreamBroken

_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


class Reply(NamedTuple):
    """An answer as it is sent.

    Attributes:
        head: its status line and its headers, to which more can be added: the empty line after them is not there.
        body: its body.
    """

    head: bytes
    body: bytes


class PromptReads:
    """Answers reads that are known.

    Args:
        app: the application, once it has started.
    """

    def __init__(self, app: web.Application) -> None:
        self._known = app[keys.KNOWN_READS]
        self._access = app[keys.ACCESS]
        self._admission = app[keys.ADMISSION]
        self._live = app[keys.LIVE_JOBS]
        self._metrics = app[keys.METRICS]
        self._readiness = app[keys.READINESS]

    @property
    def draining(self) -> bool:
        """Whether no connection is to be kept any more."""
        return self._readiness.draining

    def answer(self, message: RawRequestMessage) -> "Reply | LaterReply | None":
        """Return the answer to a request without a body, or what has to be awaited for it.

        Returns:
            None where the request is to go to the routes, which is so with everything that is not known.
        """
        if message.method != "GET" or message.version != HttpVersion11 or message.should_close:
            return None
        read = self._known.find(message.path, message.raw_headers)
        if read is None or self._admission.is_full_for(read.caller.admission_key):
            return None
        if read.oldest is not None:
            return self._cached(read, message)
        return self._relayed(read, message) if self._is_let_in(read) else None

    def _is_let_in(self, read: KnownRead) -> bool:
        """Tell whether the caller may have it; asked last, for it counts as a lookup of the reviews."""
        return self._access.still_lets(read.caller, read.wanted)

    def _cached(self, read: KnownRead, message: RawRequestMessage) -> Reply | None:
        record = _record(read, message)
        try:
            reply = self._found(read, record)
        except Exception:
            reply = _replied(record, told_of_a_bug(record.request_id))
        if reply is not None:
            self._tell(record)
        return reply

    def _found(self, read: KnownRead, record: AuditRecord) -> Reply | None:
        found = find_job(self._live, read.namespace, read.name, read.oldest or 0)
        if found is None or len(found[0].raw) >= SMALL_BYTES or not self._is_let_in(read):
            return None
        job, headers = found
        self._live.lookups += 1
        self._live.hits += 1
        return _reply(record, 200, headers | {"Content-Type": "application/json"}, job.raw + b"\n")

    async def _relayed(self, read: KnownRead, message: RawRequestMessage) -> Reply | None:
        """Return the answer to a consistent read, or None when it is one for the routes.

        Raises:
            ConnectionError: upstream's answer broke off; so has this connection to be.
        """
        record, is_told = _record(read, message), True
        place = Place(self._admission)
        try:
            reply = await self._read(read, message, record, place)
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

    async def _read(
        self, read: KnownRead, message: RawRequestMessage, record: AuditRecord, place: Place
    ) -> Reply | None:
        try:
            place.enter()  # another one may have taken it in this turn of the event loop
            place.belongs_to(read.caller.admission_key)
            answer = await shared_answer(
                self._live.reads,
                self._access.client_for(read.caller),
                read.caller,
                UpstreamRead(read.upstream_path, read.upstream_query, forwarded(message.headers)),
            )
            if answer is None or _is_for_the_routes(answer):
                self._known.forget(message.path, message.raw_headers)
                return None
            record.upstream_audit_id = answer.headers.get("Audit-Id")
            if answer.status == 200:
                return _reply(record, 200, relayed_headers(answer.headers), answer.body)
            return _replied(record, error_of(answer))
        except ApiError as error:
            return _replied(record, rendered(error))
        except UpstreamBroken:
            raise
        except Exception:
            return _replied(record, told_of_a_bug(record.request_id))

    def _tell(self, record: AuditRecord) -> None:
        record.write()
        seconds = time.perf_counter() - record.started
        self._metrics.request(JOB, record.method, record.code, outcome_of(record), seconds)


LaterReply: TypeAlias = Coroutine[Any, Any, Reply | None]


def _is_for_the_routes(answer: Answer) -> bool:
    """Tell whether an answer is too long to be sent in one piece, or a success that is not told as a Job is."""
    is_job = answer.status == 200 and "Content-Type" in answer.headers
    return len(answer.body) > SMALL_BYTES or (200 <= answer.status < 300 and not is_job)


def _record(read: KnownRead, message: RawRequestMessage) -> AuditRecord:
    attributes = read.wanted[-1]
    return AuditRecord(
        request_id=request_id_of(message.headers.get(REQUEST_ID_HEADER)),
        method=message.method,
        path=read.raw_path,
        user=read.caller.user.username,
        verb=attributes.verb,
        resource=attributes.resource.rule,
        namespace=read.namespace,
        name=read.name,
    )


def _replied(record: AuditRecord, response: web.Response) -> Reply:
    body = response.body
    return _reply(record, response.status, response.headers, body if isinstance(body, bytes) else b"")


def _reply(record: AuditRecord, status: int, headers: "MultiMapping[str] | dict[str, str]", body: bytes) -> Reply:
    record.code = status
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = (
        f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n{lines}Content-Length: {len(body)}\r\n"
        f"{REQUEST_ID_HEADER}: {record.request_id}\r\nServer: job-api\r\nDate: {rfc822_formatted_time()}\r\n"
    )
    return Reply(head.encode(errors="surrogateescape"), body)
