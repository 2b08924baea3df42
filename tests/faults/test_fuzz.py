"""Whatever is sent, the answers are answers, the connection goes on or ends, and nothing of ours breaks."""

import asyncio
import logging
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis
import msgspec
import pytest
from yarl import URL

from tests.conftest import Figure, StartService
from tests.faults.fuzzed_requests import connections
from tests.waiting import WATCHDOG_SECONDS

pytestmark = [pytest.mark.cluster, pytest.mark.soak]  # it needs no control plane, but its time

_ENDING = b"the-end"
_END = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Request-Id: %b\r\n\r\n" % _ENDING
# Nothing of ours has a CR LF behind such words, but where an answer begins.
_STATUS_LINE = re.compile(rb"HTTP/\d\.\d (\d{3}) [^\r\n]*\r\n")
# A connection on which nothing comes for so long waits for more of a request, or is a watch: it is left.
_SILENCE_SECONDS = 0.05
# 501: the sandbox says what it has not. 504: a wait that was in vain, or a resourceVersion of the future; with the
# sandbox at hand, nothing else may be a 5xx.
_EXPLAINED = {501, 504}


class _Errors(logging.Handler):
    """Keeps what is logged at level error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@contextmanager
def _errors() -> Iterator[_Errors]:
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    try:
        yield errors
    finally:
        logging.getLogger().removeHandler(errors)


def _exchange(url: URL, sent: bytes) -> bytes:
    """Send bytes and a last request, and return what comes until the end, the last answer or silence."""
    received = bytearray()
    with socket.create_connection((url.host or "", url.port or 0), WATCHDOG_SECONDS) as connection:
        try:
            connection.sendall(sent + _END)
            connection.settimeout(_SILENCE_SECONDS)
            while _ENDING not in received and (block := connection.recv(1024 * 1024)):
                received += block
        except (ConnectionError, TimeoutError):
            pass
    return bytes(received)


def _check(received: bytes) -> None:
    """Check each answer, of which the last may be cut."""
    lines = list(_STATUS_LINE.finditer(received))
    assert not received or lines[0].start() == 0, "something comes before the first answer"
    ends = [*(line.start() for line in lines[1:]), len(received)]
    for line, end in zip(lines, ends, strict=bool(lines)):
        head, _, body = received[line.end() : end].partition(b"\r\n\r\n")
        _check_answer(int(line[1]), head, body)


def _check_answer(code: int, head: bytes, body: bytes) -> None:
    if code < 200:
        return
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n"))
    assert headers[b"x-request-id"], head
    assert headers[b"server"] == b"job-api"
    assert code < 500 or code in _EXPLAINED, (code, body)
    if code < 400 or len(body) < int(headers[b"content-length"]):
        return  # the answer to a HEAD, or one that was cut
    if headers[b"content-type"] == b"application/json":
        status = msgspec.json.decode(body)
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code)
        assert status["message"]
    else:
        # Relayed from upstream in another form that was asked for.
        assert b"kind: Status" in body or body.startswith(b"k8s\0"), (head, body)


# The service, which runs beside the strategies, uses it for its pauses.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_whatever_is_sent_gets_answers_that_are_answers(
    start_service: StartService, soaking: bool, figure: Figure
) -> None:
    connection_count, request_count = (40_000, 100_000) if soaking else (800, 2_000)
    seed = secrets.randbits(64) if soaking else 0
    url = URL(await start_service(sandbox=True, cache=True))
    sent = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=connection_count,
        derandomize=not soaking,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(connections())
    def answered(requests: list[bytes]) -> None:
        nonlocal sent
        sent += len(requests)
        _check(_exchange(url, b"".join(requests)))
        assert not errors.told, errors.told

    with _errors() as errors:
        try:
            await asyncio.to_thread(answered)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        # What was told once the connection was left.
        assert await asyncio.to_thread(_exchange, url, b"")
        assert not errors.told
    figure(
        f"{sent} requests of chance on {connection_count} connections, seed {seed}: no answer was ours to regret"
    )
    assert sent >= request_count
