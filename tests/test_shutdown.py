"""What becomes of a request that arrives in the moment in which the service stops listening."""

import asyncio
import gc
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from yarl import URL

from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.callers import raw_exchange
from tests.upstream import write_kubeconfig
from tests.waiting import WATCHDOG_SECONDS

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("is_first", [True, False], ids=["its first", "a later one"])
async def test_a_request_that_has_arrived_on_an_accepted_connection_is_answered(
    tmp_path: Path, is_first: bool
) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    settings = default_settings(listen=Address("127.0.0.1", 0), kubeconfig=kubeconfig, cache=False)
    with socket.socket() as caller:
        async with running(settings) as (_, url):
            caller.connect(("127.0.0.1", URL(url).port))
            # Connections are accepted in their order, so this one has been when a later one is answered.
            assert b" 200 " in await raw_exchange(url, REQUEST + b"Connection: close\r\n\r\n")
            if not is_first:
                caller.sendall(REQUEST + b"\r\n")
                assert b" 200 " in await asyncio.to_thread(caller.recv, 65536)
            # The service gets no turn between the request and its end.
            caller.sendall(REQUEST + b"\r\n")
        caller.settimeout(WATCHDOG_SECONDS)
        assert caller.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("turns", range(5))
async def test_no_connection_is_lost_between_being_accepted_and_being_served(tmp_path: Path, turns: int) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    settings = default_settings(listen=Address("127.0.0.1", 0), kubeconfig=kubeconfig, cache=False)
    with socket.socket() as caller:
        async with running(settings) as (_, url):
            caller.connect(("127.0.0.1", URL(url).port))
            caller.sendall(REQUEST + b"\r\n")
            for _ in range(turns):
                await asyncio.sleep(0)
        gc.collect()  # a socket that nobody closed says so now, which fails the test
        caller.settimeout(WATCHDOG_SECONDS)
        answer = b""
        with suppress(ConnectionResetError):  # of one that was not accepted yet
            answer = caller.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 ") or turns < 2
