"""Connections from the machine into a box: a program of its own in the box, and what the test process asks of it.

A socket belongs to the network in which it was made. So the test process listens on the machine's loopback and
hands that socket over; the program in here accepts from it and connects to what only the box knows. The port is
free again when the program ends, as it does with the box.
"""

import asyncio
import json
import socket
import sys
from contextlib import suppress
from pathlib import Path

CHUNK = 1 << 16
BACKLOG = 512
MESSAGE_BYTES = 1024


def hand_over(listener: socket.socket, path: Path, host: str, port: int) -> None:
    """Let the forwarder behind the Unix socket `path` connect those who come to `listener` with `host:port`."""
    with socket.socket(socket.AF_UNIX) as forwarder:
        forwarder.connect(str(path))
        socket.send_fds(forwarder, [json.dumps([host, port]).encode()], [listener.fileno()])
        if forwarder.recv(1) != b".":
            raise ConnectionError("the forwarder did not take the socket")


async def main(path: str) -> None:
    """Serve requests from the Unix socket `path` for ever."""
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    with socket.socket(socket.AF_UNIX) as requests:
        requests.bind(path)
        requests.listen()
        requests.setblocking(False)
        while True:
            request, _ = await loop.sock_accept(requests)
            with request:
                servers.append(await _take(request))
                await loop.sock_sendall(request, b".")


async def _take(request: socket.socket) -> asyncio.Server:
    request.setblocking(True)
    message, descriptors, _, _ = socket.recv_fds(request, MESSAGE_BYTES, 1)
    request.setblocking(False)
    host, port = json.loads(message)
    listener = socket.socket(fileno=descriptors[0])

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, host, port)

    return await asyncio.start_server(connect, sock=listener, backlog=BACKLOG)


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(host, port)
    except OSError:
        writer.transport.abort()  # what is refused in the box is a reset out here
        return
    async with asyncio.TaskGroup() as group:
        group.create_task(_pump(reader, far_writer))
        group.create_task(_pump(far_reader, writer))
    for each in (writer, far_writer):
        each.close()
        with suppress(OSError):
            await each.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()  # the other direction goes on
    except (OSError, RuntimeError):
        writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
