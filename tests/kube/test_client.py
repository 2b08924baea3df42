"""What becomes of a request when the apiserver drops, dawdles or talks nonsense; section 2 of the contract."""

import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.callers import Answer, Caller, assert_is_status, raw_exchange, status_line
from tests.conftest import StartService
from tests.upstream import Received, Upstream, http, json_answer, write_kubeconfig
from tests.waiting import eventually

JOB = "/api/v1/_raw/job/namespace/default/name/one"
JOBS = "/api/v1/_raw/job/namespace/default"
MANIFEST = b'{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"one"}}'
JSON = {"Content-Type": "application/json"}
STATUS = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Invalid","code":422}'

StartBoth = Callable[..., Awaitable[tuple[Upstream, Caller]]]


@pytest.fixture
async def both(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> AsyncIterator[StartBoth]:
    """Return a function that starts an upstream with a given answer, and the service in front of it."""
    upstreams: list[Upstream] = []

    async def start(answer: Any, **settings: Any) -> tuple[Upstream, Caller]:
        upstream = await Upstream(answer).__aenter__()
        upstreams.append(upstream)
        kubeconfig = upstream.kubeconfig(tmp_path, token="the-secret-token")
        url = await start_service(kubeconfig=kubeconfig, **settings)
        return upstream, Caller(http_client, url, {})

    yield start
    for upstream in upstreams:
        await upstream.__aexit__(None, None, None)


async def call(api: Caller, method: str) -> Answer:
    return await api(method, JOBS if method == "POST" else JOB, MANIFEST if method == "POST" else None)


async def drop(_: Received) -> None:
    return None


async def never(_: Received) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_write_is_not_sent_again_when_its_connection_drops(
    both: StartBoth, method: str, reused: bool
) -> None:
    async def answer(request: Received) -> bytes | None:
        return json_answer(200, b"{}") if request.method == "GET" else None

    upstream, api = await both(answer)
    if reused:
        await call(api, "GET")
    refused = await call(api, method)
    assert "outcome" not in refused.headers
    assert "GET the Job before you try again" in assert_is_status(refused, 504, "Timeout")["message"]
    assert "Retry-After" not in refused.headers
    assert [each.method for each in upstream.received].count(method) == 1


@pytest.mark.parametrize("reused", [False, True])
async def test_a_read_whose_connection_drops_is_503_after_one_try(both: StartBoth, reused: bool) -> None:
    async def answer(request: Received) -> bytes | None:
        return json_answer(200, b"{}") if request.target.endswith("jobs") else None

    upstream, api = await both(answer)
    if reused:
        await api("GET", JOBS)
    refused = await call(api, "GET")
    assert_is_status(refused, 503, "ServiceUnavailable")
    assert refused.headers["Retry-After"] == "1"
    assert len(upstream.received) == (2 if reused else 1)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_silence_past_the_deadline_is_504(both: StartBoth, method: str) -> None:
    upstream, api = await both(never, upstream_first_byte_seconds=0.2)
    message = assert_is_status(await call(api, method), 504, "Timeout")["message"]
    assert ("unknown" in message) == (method != "GET")
    assert len(upstream.received) == 1
    await eventually(lambda: upstream.open_connections == 0)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_apiserver_that_cannot_be_reached_is_503(both: StartBoth, method: str) -> None:
    upstream, api = await both(drop)
    address = upstream.url.removeprefix("http://").encode()
    await upstream.__aexit__(None, None, None)
    refused = await call(api, method)
    assert "cannot be reached" in assert_is_status(refused, 503, "ServiceUnavailable")["message"]
    assert refused.headers["Retry-After"] == "1"
    assert address not in refused.body


async def test_an_apiserver_that_accepts_no_connection_in_time_is_503(
    tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    # A listening socket whose backlog is full takes a SYN and says nothing, like a host behind a firewall.
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            queued = stack.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(listening.getsockname())
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", f"http://127.0.0.1:{listening.getsockname()[1]}")
        url = await start_service(kubeconfig=kubeconfig, upstream_connect_seconds=0.2)
        for method in ("GET", "POST", "DELETE"):
            refused = await call(Caller(http_client, url, {}), method)
            assert "cannot be reached" in assert_is_status(refused, 503, "ServiceUnavailable")["message"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_write_is_finished_when_its_caller_hangs_up(
    both: StartBoth, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    arrived, answer_now = asyncio.Event(), asyncio.Event()

    async def answer(_: Received) -> bytes:
        arrived.set()
        await answer_now.wait()
        return json_answer(201, b"{}")

    upstream, api = await both(answer)
    calling = asyncio.create_task(call(api, method))
    await arrived.wait()
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling
    await eventually(lambda: "service.audit" in [record.name for record in caplog.records])
    assert upstream.open_connections == 1  # the caller is gone, its write is not
    answer_now.set()
    await eventually(lambda: "answered with 201" in caplog.text)
    assert len(upstream.received) == 1


async def test_a_read_whose_caller_hangs_up_is_given_up_upstream(both: StartBoth) -> None:
    upstream, api = await both(never)
    calling = asyncio.create_task(call(api, "GET"))
    await eventually(lambda: upstream.received)
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling
    await eventually(lambda: upstream.open_connections == 0)


async def endless() -> AsyncIterator[bytes]:
    yield http(200, headers=JSON, length=False)
    while True:
        yield b" " * 65536


async def test_a_caller_who_hangs_up_in_the_middle_closes_everything_upstream(both: StartBoth) -> None:
    async def answer(_: Received) -> AsyncIterator[bytes]:
        return endless()

    upstream, api = await both(answer)
    async with api.session.get(api.url + JOB) as response:
        await response.content.readexactly(1_000_000)
        response.close()
    await eventually(lambda: upstream.open_connections == 0)


async def test_a_caller_who_reads_nothing_is_not_buffered_for_and_is_given_up(both: StartBoth) -> None:
    async def answer(_: Received) -> AsyncIterator[bytes]:
        return endless()

    upstream, api = await both(answer, chunk_seconds=0.5)
    async with api.session.get(api.url + JOB) as response:
        assert response.status == 200
        await eventually(lambda: upstream.open_connections == 0)
        # What was taken lies in socket buffers, ours and the kernel's; an unbounded buffer would hold gigabytes.
        assert upstream.written < 32 * 1024 * 1024
        with pytest.raises(aiohttp.ClientError):
            await response.read()


CUTS = {
    "a small body with a length": http(200, b"x" * 100, JSON)[:-50],
    "a large body with a length": http(200, b"x" * 1_000_000, JSON)[:-50],
    "a chunked body": http(200, headers={**JSON, "Transfer-Encoding": "chunked"}, length=False) + b"5\r\nabc",
    "a chunked body between its chunks": http(200, headers={**JSON, "Transfer-Encoding": "chunked"}, length=False)
    + b"3\r\nabc\r\n",
    "an error": http(404, STATUS, JSON)[:-10],
}


@pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
@pytest.mark.parametrize("name", CUTS)
async def test_an_answer_that_breaks_off_after_its_headers_never_looks_complete(
    both: StartBoth, name: str, silent: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield CUTS[name]
        if silent:
            await asyncio.Event().wait()

    async def answer(_: Received) -> AsyncIterator[bytes]:
        return pieces()

    _, api = await both(answer, chunk_seconds=0.1)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await call(api, "GET")
    with suppress(ConnectionError):
        request = f"GET {JOB} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        assert not (await raw_exchange(api.url, request)).endswith(b"0\r\n\r\n")
    assert (await api("GET", "/livez")).body == b"ok"


NO_STATUSES = {
    "plain text": (429, http(429, b"Too many requests, please try again later.\n", {"Retry-After": "7"}), 429),
    "a page": (502, http(502, b"<html>bad gateway at 10.1.2.3</html>", {"Content-Type": "text/html"}), 502),
    "other JSON": (500, http(500, b'{"message":"10.1.2.3 failed"}', JSON), 500),
    "JSON that is none": (500, http(500, b'{"kind":"Status"', JSON), 500),
    "no body": (504, http(504), 504),
    "headers too large": (
        431,
        http(431, b"431 Request Header Fields Too Large", {"Content-Type": "text/plain"}),
        431,
    ),
    "another route": (404, http(404, b"404 page not found\n", {"Content-Type": "text/plain"}), 404),
    "compressed nonsense": (500, http(500, b"\x1f\x8bnonsense", {**JSON, "Content-Encoding": "gzip"}), 500),
    "a compressed page": (500, http(500, gzip.compress(b"{}"), {**JSON, "Content-Encoding": "gzip"}), 500),
    "a redirect": (302, http(302, b"", {"Location": "http://10.1.2.3/login"}), 503),
    "not modified": (304, http(304), 503),
}


@pytest.mark.parametrize("name", NO_STATUSES)
async def test_an_upstream_error_that_is_no_status_is_wrapped_in_one(both: StartBoth, name: str) -> None:
    _, raw, code = NO_STATUSES[name]

    async def answer(_: Received) -> bytes:
        return raw

    upstream, api = await both(answer)
    wrapped = await call(api, "GET")
    assert wrapped.json["kind"] == "Status"
    assert wrapped.status == wrapped.json["code"] == code
    assert b"10.1.2.3" not in wrapped.body
    assert wrapped.headers.get("Retry-After") == {429: "7", 503: "1"}.get(code)
    assert len(upstream.received) == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (STATUS, JSON),
        (b'{\n  "status": "Failure",\n  "kind": "Status"\n}', {"Content-Type": "application/json; charset=utf-8"}),
        (gzip.compress(STATUS + b" " * 200_000), {**JSON, "Content-Encoding": "gzip"}),
        (b"apiVersion: v1\ncode: 422\nkind: Status\n", {"Content-Type": "application/yaml"}),
        (
            b"k8s\0\n\x0c\n\x02v1\x12\x06Status\x12\x04\x0a\x00\x1a\x00",
            {"Content-Type": "application/vnd.kubernetes.protobuf"},
        ),
    ],
    ids=["JSON", "pretty JSON", "gzip", "YAML", "protobuf"],
)
async def test_a_status_is_relayed_as_it_is(both: StartBoth, body: bytes, headers: dict[str, str]) -> None:
    async def answer(_: Received) -> bytes:
        return http(422, body, {**headers, "Warning": '299 - "a"', "X-Internal": "no"})

    _, api = await both(answer)
    relayed = await call(api, "GET")
    assert (relayed.status, relayed.body) == (422, body)
    assert relayed.headers["Content-Type"] == headers["Content-Type"]
    assert relayed.headers["Warning"] == '299 - "a"'
    assert "X-Internal" not in relayed.headers


async def test_head_asks_upstream_with_get(both: StartBoth) -> None:
    async def answer(_: Received) -> bytes:
        return json_answer(200, b"x" * 100_000)

    upstream, api = await both(answer)
    head = await call(api, "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "100000")
    assert [each.method for each in upstream.received] == ["GET"]


async def test_a_body_that_stops_coming_is_408_and_nothing_is_sent(both: StartBoth) -> None:
    upstream, api = await both(drop, chunk_seconds=0.2)
    head = f"POST {JOBS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n".encode()
    assert (await status_line(api.url, head + MANIFEST)).startswith(b"HTTP/1.1 408 ")
    assert upstream.received == []


async def test_a_body_that_breaks_off_is_never_sent(both: StartBoth) -> None:
    upstream, api = await both(drop)
    _, writer = await asyncio.open_connection(*api.url.removeprefix("http://").split(":"))
    writer.write(f"POST {JOBS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n".encode() + MANIFEST)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await api("GET", "/livez")).status == 200
    assert upstream.received == []


async def test_readiness_says_which_check_failed_and_liveness_does_not_care(both: StartBoth) -> None:
    upstream, api = await both(drop)
    await upstream.__aexit__(None, None, None)
    status = assert_is_status(await api("GET", "/readyz"), 503, "ServiceUnavailable")
    assert status["message"].startswith("readyz check failed: apiserver: ")
    assert [cause["reason"] for cause in status["details"]["causes"]] == ["apiserver"]
    assert (await api("GET", "/livez")).body == b"ok"
    assert (await api("GET", "/version")).json["upstreamVersion"] is None


async def test_an_upstream_that_is_not_ready_or_silent_makes_us_not_ready(both: StartBoth) -> None:
    async def answer(_: Received) -> bytes:
        return http(500, b"[-]etcd failed")

    _, api = await both(answer)
    assert "500" in assert_is_status(await api("GET", "/readyz"), 503, "ServiceUnavailable")["message"]
    _, silent = await both(never)
    assert "within" in assert_is_status(await silent("GET", "/readyz"), 503, "ServiceUnavailable")["message"]


async def test_many_probes_ask_the_apiserver_once(both: StartBoth) -> None:
    async def answer(_: Received) -> bytes:
        return http(200, b"ok")

    upstream, api = await both(answer)
    answers = await asyncio.gather(*(api("GET", "/readyz") for _ in range(50)))
    assert {each.status for each in answers} == {200}
    assert len(upstream.received) < 50


async def test_the_service_still_serves_after_everything_above(both: StartBoth) -> None:
    order = [drop, never, drop]

    async def answer(request: Received) -> bytes | None:
        if order:
            await order.pop(0)(request)
            return None
        return json_answer(200, b'{"kind":"Job"}')

    _, api = await both(answer, upstream_first_byte_seconds=0.5)
    codes = [(await call(api, "GET")).status for _ in range(4)]
    assert codes == [503, 504, 503, 200]
