"""Callers that dawdle: they send a byte a second, or read nothing. They cost little, hold nobody up, and go."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import aiohttp
import pytest
from yarl import URL

from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.contract.paths import direct_jobs, job, jobs
from tests.faults.footprint import open_callers, resident_bytes
from tests.faults.workload import create_job
from tests.processes import RunService, Service
from tests.waiting import WATCHDOG_SECONDS, eventually

pytestmark = pytest.mark.cluster

_CALLERS = 1_000
_JOBS = 300
_PADDING = 20_000
_MEBIBYTE = 1024 * 1024
# Long enough for all callers to be there at once, short enough to wait for.
_DEADLINES = (
    "--head-seconds=8",
    "--body-seconds=8",
    "--idle-seconds=8",
    "--chunk-seconds=8",
    "--watch-silence-seconds=8",
)
# What is allowed for a caller: several times what is measured, which is also malloc's mood.
_MOST_OF_ONE = 3 * _MEBIBYTE


@pytest.fixture
def backend(fragile_control_plane: ControlPlane) -> Backend:
    plane = fragile_control_plane
    return Backend(plane.server, plane.ca_file, plane.admin_token)


@pytest.fixture
def real_backend(backend: Backend) -> Backend:
    return backend


@pytest.fixture
async def fat_jobs(direct: Caller, namespace: str) -> AsyncIterator[str]:
    """Return a namespace with a list of several megabytes."""
    numbers = iter(range(_JOBS))

    async def create() -> None:
        for number in numbers:
            await create_job(direct, namespace, f"fat-{number}", padding=_PADDING)

    await asyncio.gather(*(create() for _ in range(8)))
    yield namespace
    await direct("DELETE", direct_jobs(namespace), b'{"propagationPolicy":"Background"}')


@contextmanager
def connections(url: str, count: int) -> Iterator[list[socket.socket]]:
    """Return connections whose sockets hold next to nothing that comes."""
    address, opened = URL(url), list[socket.socket]()
    try:
        for _ in range(count):
            each = socket.socket()
            opened.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.connect((address.host, address.port))
            each.setblocking(False)
        yield opened
    finally:
        for each in opened:
            each.close()


def send(each: socket.socket, data: bytes) -> None:
    with suppress(BlockingIOError, ConnectionError):  # it is full, or the service has closed it
        each.send(data)


class Probe:
    """Asks for /livez again and again, on a connection of its own each time, and notes the most memory."""

    def __init__(self, session: aiohttp.ClientSession, url: str, service: Service) -> None:
        self._session = session
        self._url = url + "/livez"
        self._service = service
        self.before = self.most = resident_bytes(service)
        self.answers = 0
        self.slowest = 0.0

    @asynccontextmanager
    async def probing(self) -> AsyncIterator[None]:
        probing = asyncio.create_task(self._probe())
        try:
            yield
        finally:
            probing.cancel()
            (ended,) = await asyncio.gather(probing, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended
        assert self.answers

    async def _probe(self) -> None:
        while True:
            began = time.monotonic()
            async with self._session.get(self._url, headers={"Connection": "close"}) as answer:
                assert (answer.status, await answer.read()) == (200, b"ok")
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.answers += 1
            self.most = max(self.most, resident_bytes(self._service))
            await asyncio.sleep(0.05)

    def figure(self, what: str) -> str:
        return (
            f"{what}: {(self.most - self.before) / _MEBIBYTE:.0f} MiB more at the most, "
            f"/livez answered {self.answers} times, {self.slowest * 1000:.0f} ms at the slowest"
        )


async def gone(service: Service, url: str, meanwhile: Callable[[], None]) -> None:
    """Wait until the service holds at most the connection of a probe."""
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while open_callers(service, url) > 1:
            meanwhile()
            await asyncio.sleep(1)


async def test_a_thousand_callers_that_send_a_byte_a_second_are_gone_by_their_deadlines(
    fragile_control_plane: ControlPlane, http_client: aiohttp.ClientSession, run: RunService, figure: Figure
) -> None:
    heads = [
        b"GET /li",
        b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" % jobs("default").encode(),
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
        b"",
    ]
    async with run(f"--kubeconfig={fragile_control_plane.kubeconfig}", *_DEADLINES) as service:
        probe = Probe(http_client, url := await service.url(), service)
        with connections(url, _CALLERS) as callers:
            for number, each in enumerate(callers):
                send(each, heads[number % len(heads)])

            def send_a_byte() -> None:
                for number, each in enumerate(callers):
                    if number % len(heads) < len(heads) - 1:  # the last are silent
                        send(each, b"x")

            await eventually(lambda: open_callers(service, url) >= _CALLERS)
            async with probe.probing():
                await gone(service, url, send_a_byte)
        assert not [line for line in service.lines if line["level"] == "error"]
    figure(probe.figure(f"{_CALLERS} callers that send a byte a second"))
    assert probe.most - probe.before < _CALLERS * _MOST_OF_ONE / 10


@pytest.mark.parametrize("query", ["?resourceVersion=0", "", "?watch=true"], ids=["cached", "uncached", "watch"])
async def test_a_thousand_callers_that_never_read_are_gone_by_their_deadlines(
    fragile_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    run: RunService,
    fat_jobs: str,
    figure: Figure,
    query: str,
) -> None:
    kubeconfig = f"--kubeconfig={fragile_control_plane.kubeconfig}"
    request = f"GET {jobs(fat_jobs)}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    # The apiserver makes each uncached one anew.
    count = _CALLERS if query else _CALLERS // 10
    async with run(kubeconfig, *_DEADLINES) as service:
        url = await service.url()
        caller = Caller(http_client, url, {})
        async with asyncio.timeout(WATCHDOG_SECONDS):
            while "hit" not in (await caller("GET", job(fat_jobs, "fat-0") + "?resourceVersion=0")).headers.get(
                "Cache-Status", ""
            ):
                await asyncio.sleep(0.05)
        probe = Probe(http_client, url, service)
        with connections(url, count) as callers:
            await eventually(lambda: open_callers(service, url) >= count)
            async with probe.probing():
                for each in callers:
                    send(each, request)
                    await asyncio.sleep(0)
                await gone(service, url, lambda: None)
        assert not [line for line in service.lines if line["level"] == "error"]
    what = {"": "an uncached list", "?watch=true": "a watch"}.get(query, "a cached list")
    figure(probe.figure(f"{count} callers that never read {what} of {_JOBS * _PADDING / 1e6:.0f} MB"))
    assert probe.most - probe.before < count * _MOST_OF_ONE


@pytest.mark.parametrize("flood", ["requests", "chunks", "headers"])
async def test_what_is_sent_ahead_of_an_answer_is_not_read_without_bound(
    fragile_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    run: RunService,
    direct: Caller,
    namespace: str,
    figure: Figure,
    flood: str,
) -> None:
    """Each sends as much as is taken while its first request waits for something that does not happen."""
    await create_job(direct, namespace, "kept")
    path, count = job(namespace, "kept"), 100
    block = {
        "requests": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2_000,
        "chunks": b"1\r\nx\r\n" * 10_000,
        "headers": b"X: " + b"x" * 30_000 + b"\r\n",
    }[flood]
    begin = {"requests": b"", "chunks": b"", "headers": b"GET /livez HTTP/1.1\r\n"}[flood]
    chunked = b"Transfer-Encoding: chunked\r\n" if flood == "chunks" else b""
    async with run(f"--kubeconfig={fragile_control_plane.kubeconfig}", *_DEADLINES) as service:
        probe = Probe(http_client, url := await service.url(), service)
        with connections(url, count) as callers:
            async with probe.probing():
                for each in callers:
                    wait = f"GET {path}/wait?for=delete&timeoutSeconds=10 HTTP/1.1\r\nHost: localhost\r\n".encode()
                    send(each, wait + chunked + b"\r\n" + begin)

                def send_more() -> None:
                    for each in callers:
                        for _ in range(50):
                            send(each, block)

                for _ in range(4):
                    send_more()
                    await asyncio.sleep(0.2)
                await gone(service, url, send_more)
        assert not [line for line in service.lines if line["level"] == "error"]
    figure(probe.figure(f"{count} callers that send {flood} ahead without end"))
    assert probe.most - probe.before < count * _MOST_OF_ONE
