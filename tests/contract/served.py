"""The service with its cache and without, each behind a proxy of its own, so that a test can look inside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import aiohttp
from aiohttp import web

from service.api import keys
from service.cache.live_jobs import LiveJobs
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.callers import Answer, Caller
from tests.contract.paths import direct_job, job
from tests.faults.proxy import FaultProxy
from tests.waiting import eventually


class Apiserver(Protocol):
    """What is asked of a backend here."""

    @property
    def server(self) -> str: ...
    @property
    def ca_file(self) -> Path | None: ...
    def kubeconfig(self, path: Path, server: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Served:
    """A running service.

    Attributes:
        api: calls it.
        proxy: stands between it and the apiserver.
        app: the service itself.
    """

    api: Caller
    proxy: FaultProxy
    app: web.Application

    @property
    def live(self) -> LiveJobs:
        """Its live side."""
        return self.app[keys.LIVE_JOBS]

    @property
    def awaited(self) -> int:
        """How many Jobs are waited for by means of its cache."""
        return len(self.live.scope_of(None).cache.subscriptions._by_job)

    async def wait(self, namespace: str, name: str, query: str = "", **call: Any) -> Answer:
        """Ask it to wait for a Job."""
        return await self.api(call.pop("method", "GET"), f"{job(namespace, name)}/wait?{query}", **call)

    def asked(self, start: str) -> int:
        """Return how many GETs of paths that start so it has sent upstream."""
        return sum(each.sent.count(b"GET " + start.encode()) for each in self.proxy.connections)

    def reads(self, namespace: str, name: str) -> int:
        """Return how many reads of a Job upstream has answered it."""
        line = f"GET {direct_job(namespace, name)} ".encode()
        read = [each for each in self.proxy.connections if line in each.sent]
        # A connection carries one request after the other, so at most its last one is not answered yet.
        waiting = sum(each.answered.count(b"HTTP/1.1 ") < each.sent.count(b"GET /") for each in read)
        return sum(each.sent.count(line) for each in read) - waiting

    async def has(self, version: int) -> None:
        """Wait until its cache knows a moment."""
        await eventually(
            lambda: self.live.is_synced(None) and self.live.scope_of(None).cache.window.latest >= version
        )


@asynccontextmanager
async def serving(
    backend: Apiserver, directory: Path, session: aiohttp.ClientSession, *, cache: bool, **settings: Any
) -> AsyncIterator[Served]:
    """Run the service in front of a backend; a cache has had its first attempt to sync."""
    async with FaultProxy(backend.server, str(backend.ca_file) if backend.ca_file else None) as proxy:
        kubeconfig = backend.kubeconfig(directory / f"{uuid4().hex}.kubeconfig", proxy.url)
        given = {"listen": Address("127.0.0.1", 0), "kubeconfig": kubeconfig, "cache": cache, **settings}
        async with running(default_settings(**given)) as (app, url):
            if cache:
                await app[keys.LIVE_JOBS].scope_of(None).cache.settled.wait()
            yield Served(Caller(session, url, {}), proxy, app)
