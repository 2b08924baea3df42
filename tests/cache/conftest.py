"""The service in front of an upstream of ours, with a way inside."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from aiohttp import web

from service.api import keys
from service.cache.live_jobs import LiveJobs
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.callers import Caller
from tests.upstream import Answer, Upstream


@dataclass(frozen=True, slots=True)
class Front:
    """A service and what it stands in front of."""

    api: Caller
    upstream: Upstream
    app: web.Application

    @property
    def live(self) -> LiveJobs:
        """The service's live side."""
        return self.app[keys.LIVE_JOBS]


class StartFront(Protocol):
    """Starts an upstream with an answer, and the service in front of it, with its cache off unless told.

    The service's token, if it is given one, is what its kubeconfig holds.
    """

    async def __call__(self, answer: Answer, token: str | None = None, **settings: Any) -> Front: ...


@pytest.fixture
async def front(tmp_path: Path, http_client: aiohttp.ClientSession) -> AsyncIterator[StartFront]:
    """Return a function that starts both."""
    async with AsyncExitStack() as stack:

        async def start(answer: Answer, token: str | None = None, **settings: Any) -> Front:
            upstream = await stack.enter_async_context(Upstream(answer))
            given = {"listen": Address("127.0.0.1", 0), "cache": False, **settings}
            kubeconfig = upstream.kubeconfig(tmp_path, **({} if token is None else {"token": token}))
            app, url = await stack.enter_async_context(running(default_settings(kubeconfig=kubeconfig, **given)))
            return Front(Caller(http_client, url, {}), upstream, app)

        yield start
