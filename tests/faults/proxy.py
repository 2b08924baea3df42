"""A TCP proxy in front of an apiserver that does to its answers what networks do.

It speaks plain HTTP towards the service and, where asked to, TLS towards the apiserver, so that it also sees the
exact bytes that travel.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_BLOCK = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the bytes of an answer; counts begin when the fault is set.

    Attributes:
        delay: seconds that each block waits.
        cut_after: bytes after which the connection is closed; 0 is before the status line.
        reset_after: bytes after which the connection is reset (RST instead of FIN).
        stall_after: bytes after which nothing more comes, while the connection stays open.
        slice_bytes: how many bytes travel at once.
    """

    delay: float = 0.0
    cut_after: int | None = None
    reset_after: int | None = None
    stall_after: int | None = None
    slice_bytes: int = _BLOCK

    def limit(self) -> int | None:
        """Return after how many bytes it strikes, None for never."""
        for limit in (self.cut_after, self.reset_after, self.stall_after):
            if limit is not None:
                return limit
        return None


@dataclass(slots=True)
class Connection:
    """What one connection of the service carried: the bytes of its requests and of their answers."""

    sent: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)


class FaultProxy:
    """Listens on a free loopback port and passes everything on to an apiserver, with the fault that is set.

    Attributes:
        fault: the fault at present; assign another, or `Fault()` for none.
        faults: endless, each another one; instead of `fault`, every next answer meets the next of these.
        connections: every connection there ever was.
        open_connections: how many there are now.
    """

    def __init__(self, server: str, ca_file: str | None = None) -> None:
        target = urlsplit(server)
        self._address = (target.hostname, target.port)
        self._ssl = ssl.create_default_context(cafile=ca_file) if target.scheme == "https" else None
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.fault = Fault()
        self.faults: Iterator[Fault] | None = None
        self.connections: list[Connection] = []
        self.open_connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def requests(self, method: str) -> int:
        """Return how many requests with this method arrived, on all connections."""
        line_start = method.encode() + b" /"
        return sum(bytes(each.sent).count(line_start) for each in self.connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.open_connections += 1
        connection = Connection()
        self.connections.append(connection)
        try:
            await self._pass_on(connection, reader, writer)
        except OSError:
            pass  # one side went away: that is what proxies see all day
        except asyncio.CancelledError:
            if not self._closed.is_set():
                raise
        finally:
            self.open_connections -= 1
            writer.close()

    async def _pass_on(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._address, ssl=self._ssl)
        try:
            up = asyncio.create_task(_copy(reader, upstream_writer, connection.sent))
            down = asyncio.create_task(self._answer(upstream_reader, writer, connection))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                up.cancel()
                down.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        finally:
            upstream_writer.transport.abort()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        fault = chosen = self.fault
        passed = sent = 0
        while block := await reader.read(_BLOCK):
            if self.faults is None:
                chosen = self.fault
            elif len(connection.sent) > sent:  # there was another request since the last block
                sent, chosen = len(connection.sent), next(self.faults)
            if chosen is not fault:
                fault, passed = chosen, 0
            limit = fault.limit()
            kept = block if limit is None else block[: max(0, limit - passed)]
            for start in range(0, len(kept), fault.slice_bytes):
                await asyncio.sleep(fault.delay)
                writer.write(kept[start : start + fault.slice_bytes])
                await writer.drain()
            connection.answered += kept
            passed += len(kept)
            if len(kept) < len(block):
                await self._strike(fault, writer)
                return

    async def _strike(self, fault: Fault, writer: asyncio.StreamWriter) -> None:
        if fault.stall_after is not None:
            await self._closed.wait()
        if fault.reset_after is not None:
            # A closed socket with a linger time of zero sends RST, as a crashed peer's kernel does.
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray) -> None:
    while block := await reader.read(_BLOCK):
        record += block
        writer.write(block)
        await writer.drain()
