"""A caller who asks for reads that are known, for ever, and reads none of the answers."""

import asyncio
import socket
from functools import partial

import pytest
from yarl import URL

from service.http_protocol import HttpProtocol
from tests.cache.conftest import StartFront
from tests.cache.jobs import raw_job
from tests.prompt import CACHED, ONE, Apiserver, Ways, head, learn, synced
from tests.waiting import eventually

BIG = {"one": raw_job("one", 5, filling=50_000)}


@pytest.fixture
def protocols(monkeypatch: pytest.MonkeyPatch) -> list[HttpProtocol]:
    """Return what will hold the service's connections, in their order."""
    found, made = list[HttpProtocol](), HttpProtocol.connection_made

    def connection_made(self: HttpProtocol, transport: asyncio.BaseTransport) -> None:
        found.append(self)
        made(self, transport)

    monkeypatch.setattr(HttpProtocol, "connection_made", connection_made)
    return found


def answered(ways: Ways, count: int) -> bool:
    return ways.prompt >= count


@pytest.mark.parametrize("path", [ONE, CACHED])
@pytest.mark.parametrize("begins", ["one by one", "all at once"])
async def test_a_caller_who_asks_for_ever_and_reads_nothing_is_read_no_more(
    front: StartFront, ways: Ways, protocols: list[HttpProtocol], path: str, begins: str
) -> None:
    service = await front(Apiserver(jobs=BIG).answer, cache=True)
    await synced(service)
    await learn(service, path)
    protocols.clear()
    address, loop = URL(service.api.url), asyncio.get_running_loop()
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        await loop.sock_connect(caller, (address.host, address.port))
        (protocol,) = await eventually(lambda: protocols)
        transport = protocol.transport
        assert transport is not None
        while begins == "one by one" and not protocol._paused:
            after = ways.prompt + 1
            await loop.sock_sendall(caller, head(path))
            await eventually(partial(answered, ways, after))
        for _ in range(20 if begins == "one by one" else 0):
            await loop.sock_sendall(caller, head(path))
            await asyncio.sleep(0.01)  # so that each comes by itself
        assert transport.get_write_buffer_size() < 3 * 64 * 1024
        flooding = asyncio.create_task(flood(caller, head(path)))
        await eventually(lambda: not transport.is_reading())
        assert transport.get_write_buffer_size() < 3 * 64 * 1024
        assert len(protocol._messages) + len(protocol._untaken) < 40
        await quiet(ways)
        assert not transport.is_reading()
        assert transport.get_write_buffer_size() < 3 * 64 * 1024
        assert bool(ways.prompt) == (begins == "one by one")
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        assert (await service.api("GET", ONE)).status == 200
    await eventually(lambda: protocol.transport is None)


async def flood(caller: socket.socket, request: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(caller, request)


async def quiet(ways: Ways) -> tuple[int, int]:
    """Wait until no more is answered for a while."""
    gone = None
    while gone != ways.gone:
        gone = ways.gone
        await asyncio.sleep(0.1)
    return ways.gone
