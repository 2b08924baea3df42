"""A read that is known over HTTPS."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.cache.conftest import StartFront
from tests.cluster.certificates import Authority
from tests.prompt import CACHED, ONE, Apiserver, Connection, Ways, synced
from tests.waiting import WATCHDOG_SECONDS, eventually


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_it_is_answered_in_its_order_and_a_caller_who_leaves_is_noticed(
    front: StartFront, ways: Ways, tmp_path: Path, hangs_up: bool
) -> None:
    (tmp_path / "authority").mkdir()
    authority, apiserver = Authority(tmp_path / "authority"), Apiserver()
    pair = authority.serving("service")
    files = {"tls_cert_file": str(pair.certificate), "tls_private_key_file": str(pair.key)}
    service = await front(apiserver.answer, cache=True, **files)
    await synced(service)
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    port = int(service.api.url.rpartition(":")[2])
    async with asyncio.timeout(WATCHDOG_SECONDS):
        connection = Connection(*await asyncio.open_connection("127.0.0.1", port, ssl=trust))
        for path in (ONE, CACHED, ONE, CACHED):
            assert (await connection.ask(path)).status == 200
        assert ways.gone == (2, 2)
        apiserver.gate.clear()
        watching = service.upstream.open_connections
        connection.send(ONE)
        await eventually(lambda: len(apiserver.arrived) == 3)
        connection.send(CACHED)
        if hangs_up:
            await connection.writer.drain()
        else:
            apiserver.gate.set()
            told = [await connection.answer() for _ in range(2)]
            assert [each.headers.get("Cache-Status") for each in told] == [None, "job-api; hit"]
        connection.writer.close()
        await connection.writer.wait_closed()
        if hangs_up:
            await eventually(lambda: service.upstream.open_connections == watching - 1)
