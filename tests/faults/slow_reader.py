"""A watcher that reads nothing until it is told to, from a socket that holds next to nothing."""

import asyncio
import socket
from types import TracebackType
from typing import Self

import msgspec
from yarl import URL

from tests.faults.followers import Stream
from tests.waiting import WATCHDOG_SECONDS

_RECEIVE_BUFFER_BYTES = 4096


class SlowReader:
    """One watch, as Kubernetes' lines with bookmarks.

    Args:
        url: the service's.
        path: the watch's path, with its query.
        place: the resourceVersion to begin after; None to begin with the present state.

    Attributes:
        received: every byte so far.
        is_whole: whether the stream has come to its last chunk.
    """

    def __init__(self, url: str, path: str, place: int | None = None) -> None:
        self._address = URL(url)
        self._place = place
        path += "" if place is None else f"&resourceVersion={place}"
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self.received = bytearray()
        self.is_whole = False

    async def __aenter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._socket.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, (self._address.host, self._address.port))
        await loop.sock_sendall(self._socket, self._request)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def read_some(self) -> bytes:
        """Read what is there, or wait until there is something; empty once nothing more will come."""
        try:
            async with asyncio.timeout(WATCHDOG_SECONDS):
                block = await asyncio.get_running_loop().sock_recv(self._socket, 1024 * 1024)
        except ConnectionError:
            return b""
        self.received += block
        return block

    async def read_to_the_end(self) -> Stream:
        """Read until the stream, or the connection, ends, and return what was told."""
        while not self.is_whole and await self.read_some():
            self.is_whole = self.received.endswith(b"\r\n0\r\n\r\n")
        return self.told()

    async def read_until(self, resource_version: int) -> Stream:
        """Read until a change is told, and return all that was told."""
        await self.read_until_told(b'"resourceVersion":"%d"' % resource_version)
        while not self.received.endswith(b"}\n\r\n"):
            await self.read_some()
        return self.told()

    async def read_until_told(self, text: bytes) -> None:
        """Read until a text has come."""
        while text not in self.received[-256 * 1024 :]:
            assert await self.read_some(), "the connection is gone"

    def told(self) -> Stream:
        """Return what was told; each line is whole, but for the last of a stream that was cut."""
        stream, initial = Stream(began=self._place), dict[tuple[str, str], int]()
        *lines, rest = self._body().split(b"\n")
        assert not (rest and self.is_whole), rest
        for line in lines:
            event = msgspec.json.decode(line)
            assert stream.end == "open", "nothing comes after an ERROR"
            if event["type"] == "ERROR":
                stream.end = str(event["object"]["code"])
                continue
            metadata = event["object"]["metadata"]
            version = int(metadata["resourceVersion"])
            if event["type"] == "BOOKMARK":
                stream.began = stream.began or version
                stream.place = version
            elif stream.began is None:
                initial[metadata["namespace"], metadata["name"]] = version
            else:
                key = metadata["namespace"], metadata["name"]
                stream.changes.append((event["type"], key, version))
                stream.place = version
        stream.initial = initial
        return stream

    def _body(self) -> bytes:
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        body = bytearray()
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16) if rest else 0
            body += rest[:length]
            rest = rest[length + 2 :]
        return bytes(body)
