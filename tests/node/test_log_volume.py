"""Much of a log, and many who follow it: neither piles up in the service."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Caller
from tests.cluster.node.real_node import RealNode
from tests.conftest import Figure
from tests.contract.paths import job
from tests.faults.footprint import resident_bytes
from tests.node.running import create, finished, followed, log, next_line, script_job
from tests.processes import RunService, Service
from tests.waiting import eventually

pytestmark = pytest.mark.node

_MEBIBYTE = 1024 * 1024
_LINES = 200_000
_LINE_BYTES = 1_000
_PADDING = "x" * (_LINE_BYTES - 9)
_PACE_BYTES = 1_000_000  # a second
_MOST_GROWTH = 16 * _MEBIBYTE
_FOLLOWERS = 200


class Memory:
    """Looks again and again how much memory a service has."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.before = self.most = resident_bytes(service)

    @property
    def growth(self) -> int:
        return self.most - self.before

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            self.most = max(self.most, resident_bytes(self._service))
            await asyncio.sleep(0.1)


async def warm(api: Caller, namespace: str) -> None:
    """Let the service do once what it does the first time, so that what grows later is the log's."""
    await create(api, namespace, script_job("first", "echo 220"))
    await finished(api, namespace, "first")
    for query in ("", "follow=true"):
        assert (await log(api, namespace, "first", query)).body.endswith(b" 220\n")


@pytest.mark.soak
@pytest.mark.parametrize("query", ["", "follow=true"], ids=["read", "follow"])
async def test_two_hundred_megabytes_pass_to_a_slow_reader_without_piling_up(
    real_node: RealNode,
    run: RunService,
    http_client: aiohttp.ClientSession,
    namespace: str,
    figure: Figure,
    soaking: bool,
    query: str,
) -> None:
    script = f"awk 'BEGIN {{ for (i = 1; i <= {_LINES}; i++) printf \"%07d {_PADDING}\\n\", i }}'"
    async with run(f"--kubeconfig={real_node.kubeconfig}") as service:
        api = Caller(http_client, await service.url(), {})
        await warm(api, namespace)
        await create(api, namespace, script_job("large", script))
        if not query:
            await finished(api, namespace, "large")
        memory, received, length = Memory(service), hashlib.sha256(), 0
        url = f"{api.url}{job(namespace, 'large')}/log?prefix=false&{query}"
        slow_bytes = _LINES * _LINE_BYTES if soaking else 10 * _PACE_BYTES
        async with (
            aiohttp.ClientSession(read_bufsize=16 * 1024) as session,
            session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as response,
            memory.watched(),
        ):
            assert response.status == 200
            async for block in response.content.iter_chunked(100_000):
                received.update(block)
                length += len(block)
                if length < slow_bytes:
                    await asyncio.sleep(len(block) / _PACE_BYTES)
    expected = hashlib.sha256()
    for number in range(1, _LINES + 1):
        expected.update(f"{number:07} {_PADDING}\n".encode())
    assert (length, received.hexdigest()) == (_LINES * _LINE_BYTES, expected.hexdigest())
    figure(
        f"{length / 1e6:.0f} MB of log ({query or 'read'}), {slow_bytes / 1e6:.0f} of them at 1 MB/s: "
        f"{memory.growth / _MEBIBYTE:.1f} MiB more at the most"
    )
    assert memory.growth <= _MOST_GROWTH


async def test_two_hundred_followers_of_one_job_cost_little_and_leave_nothing(
    real_node: RealNode, run: RunService, http_client: aiohttp.ClientSession, namespace: str, figure: Figure
) -> None:
    script = "for i in $(seq 1 100); do echo $i; sleep 0.2; done"
    expected = b"".join(b"%d\n" % number for number in range(1, 101))
    async with run(f"--kubeconfig={real_node.kubeconfig}") as service:
        api = Caller(http_client, await service.url(), {})
        await warm(api, namespace)
        descriptors = _descriptors(service)
        memory = Memory(service)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, memory.watched():
            caller = Caller(session, api.url, {})
            await create(api, namespace, script_job("loud", script))

            async def follow(number: int) -> bytes:
                async with followed(caller, namespace, "loud", "prefix=false") as response:
                    if number % 4 == 0:  # leaves in the middle
                        return b"".join([await next_line(response) for _ in range(10)])
                    return await response.read()

            logs = await asyncio.gather(*(follow(number) for number in range(_FOLLOWERS)))
        for number, each in enumerate(logs):
            assert each == (expected if number % 4 else expected[: len(each)]), number
        # Connections to the apiserver are kept for a while, in case that somebody asks again.
        await eventually(lambda: _descriptors(service) <= descriptors)
        assert not [line for line in service.lines if line["level"] in {"error", "warning"}]
    figure(f"{_FOLLOWERS} followers of one Job: {memory.growth / _MEBIBYTE:.1f} MiB more at the most")
    assert memory.growth <= _FOLLOWERS * _MEBIBYTE


def _descriptors(service: Service) -> int:
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))
