"""Bodies as they come in, from either side."""

import asyncio

from aiohttp import StreamReader


async def next_chunk(body: StreamReader, seconds: float) -> bytes:
    """Return what has come of a body, or what comes next; nothing at its end.

    Args:
        body: the body.
        seconds: how long nothing may come. What is there already takes no timer.

    Raises:
        TimeoutError: nothing came for so long.
        Exception: whatever the body was broken by.
    """
    if (here := body.read_nowait()) or body.at_eof():
        return here
    async with asyncio.timeout(seconds):
        return await body.readany()
