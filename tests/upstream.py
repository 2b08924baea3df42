"""An upstream of ours on a real socket, for what a healthy apiserver does not do: drop, dawdle, answer nonsense."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml
from multidict import CIMultiDict

Answer = Callable[["Received"], Awaitable[bytes | AsyncIterator[bytes] | None]]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes


@dataclass(slots=True)
class Upstream:
    """Answers every request with what `answer` returns: raw bytes of HTTP, or None to drop the connection.

    An iterator of bytes is written as it yields, and the connection is closed after it.

    Attributes:
        answer: asked for each request; may wait as long as it likes.
        received: every request that arrived whole.
        open_connections: how many connections there are now.
        written: how many bytes of iterators the other side has taken.
    """

    answer: Answer
    received: list[Received] = field(default_factory=list)
    open_connections: int = 0
    written: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def kubeconfig(self, directory: Path, **user: object) -> str:
        """Write a kubeconfig that leads here, with what the user entry is to hold, and return its path."""
        return write_kubeconfig(directory / "kubeconfig", self.url, None, **user)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.open_connections += 1
        try:
            while (request := await _read_request(reader)) is not None:
                self.received.append(request)
                answer = await self._answer_unless_hung_up(request, reader)
                if not isinstance(answer, bytes):
                    await self._write_each(answer, writer)
                    break
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def _write_each(self, pieces: AsyncIterator[bytes] | None, writer: asyncio.StreamWriter) -> None:
        if pieces is None:
            return
        async for piece in pieces:
            writer.write(piece)
            await writer.drain()
            self.written += len(piece)

    async def _answer_unless_hung_up(
        self, request: Received, reader: asyncio.StreamReader
    ) -> bytes | AsyncIterator[bytes] | None:
        answering = asyncio.ensure_future(self.answer(request))
        hung_up = asyncio.ensure_future(_at_eof(reader))
        try:
            await asyncio.wait((answering, hung_up), return_when=asyncio.FIRST_COMPLETED)
            return answering.result() if answering.done() else None
        finally:
            answering.cancel()
            hung_up.cancel()
            await asyncio.gather(answering, hung_up, return_exceptions=True)


def write_kubeconfig(path: Path, server: str, cluster: Mapping[str, object] | None = None, **user: object) -> str:
    """Write a kubeconfig with one cluster, one user and one context, and return its path."""
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return str(path)


def http(code: int, body: bytes = b"", headers: dict[str, str] | None = None, *, length: bool = True) -> bytes:
    """Return an HTTP answer; without a length the body ends with the connection."""
    lines = [f"HTTP/1.1 {code} Whatever"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def json_answer(code: int, body: bytes) -> bytes:
    """Return an HTTP answer as the apiserver gives one."""
    return http(
        code, body, {"Content-Type": "application/json", "Audit-Id": "11111111-2222-3333-4444-555555555555"}
    )


async def _at_eof(reader: asyncio.StreamReader) -> None:
    """Wait for the other side to hang up, without taking bytes of a next request."""
    while not reader.at_eof():
        await asyncio.sleep(0.01)


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode(errors="surrogateescape").split("\r\n")[:-2]
    method, target, _ = line.split(" ")
    headers = CIMultiDict[str]()
    for each in fields:
        name, _, value = each.partition(": ")
        headers.add(name, value)
    body = await _read_body(reader, headers)
    return Received(method, target, headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: CIMultiDict[str]) -> bytes:
    if "Content-Length" in headers:
        return await reader.readexactly(int(headers["Content-Length"]))
    body = b""
    if headers.get("Transfer-Encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return body
