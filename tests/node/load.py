"""Callers that never stop asking, and what became of each request."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle

import aiohttp

from tests.waiting import WATCHDOG_SECONDS

# Of each kind: those that stay on one connection, and those that make one for every request.
CALLERS = 4
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and the status that it is to be answered with."""

    method: str
    path: str
    status: int
    body: bytes | None = None


@dataclass(slots=True)
class Outcome:
    """What became of the requests so far.

    Attributes:
        answered: how many were answered as they should be, by their method and status.
        failed: what happened to each of the others.
    """

    answered: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{count} {what}" for what, count in sorted(self.answered.items()))
        return f"{self.answered.total()} answered ({told}), {len(self.failed)} failed"


@asynccontextmanager
async def load(url: str, headers: Mapping[str, str], *requests: Request) -> AsyncIterator[Outcome]:
    """Send requests in turn from several callers at a time, for as long as the block lasts."""
    outcome, over = Outcome(), asyncio.Event()
    async with (
        _session(headers, kept=True) as kept,
        _session(headers, kept=False) as new,
        asyncio.TaskGroup() as group,
    ):
        for session in (kept, new) * CALLERS:
            group.create_task(_keep_asking(session, url, requests, outcome, over))
        try:
            yield outcome
        finally:
            over.set()


def _session(headers: Mapping[str, str], *, kept: bool) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=0, force_close=not kept),
        timeout=aiohttp.ClientTimeout(total=WATCHDOG_SECONDS),
    )
    session._retry_connection = False  # a request that fails is to be seen
    return session


async def _keep_asking(
    session: aiohttp.ClientSession, url: str, requests: tuple[Request, ...], outcome: Outcome, over: asyncio.Event
) -> None:
    for request in cycle(requests):
        try:
            async with session.request(request.method, url + request.path, data=request.body) as response:
                body = await response.read()
            if response.status == request.status:
                outcome.answered[f"{request.method} {response.status}"] += 1
            else:
                outcome.failed.append(f"{request}: {response.status} {body!r}")
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome.failed.append(f"{request}: {error!r}")
        if over.is_set():
            return
        await asyncio.sleep(PAUSE_SECONDS)
