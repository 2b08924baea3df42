"""The service in a mode that tells callers apart, in front of the real apiserver."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from service.api import keys
from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.apiserver.accounts import OWN_RULES, REVIEWER_RULES, Account, Accounts
from tests.callers import Answer, Caller
from tests.contract.conftest import Backend
from tests.faults.proxy import FaultProxy
from tests.upstream import write_kubeconfig


@dataclass(frozen=True, slots=True)
class Guarded:
    """The service, which speaks to the apiserver through a proxy.

    Attributes:
        app: the application.
        api: a caller without credentials.
        proxy: what the service's connections go through.
    """

    app: web.Application
    api: Caller
    proxy: FaultProxy

    def of(self, account: Account) -> Caller:
        """Return a caller with an account's token."""
        return Caller(self.api.session, self.api.url, account.headers)

    async def __call__(self, account: Account, method: str, path: str, *more: Any) -> Answer:
        """Call as an account."""
        return await self.of(account)(method, path, *more)


@asynccontextmanager
async def guarded(
    mode: str,
    backend: Backend,
    accounts: Accounts,
    session: aiohttp.ClientSession,
    directory: Path,
    *,
    own: Account | None = None,
    **settings: Any,
) -> AsyncIterator[Guarded]:
    """Run the service with an account of its own, which has the rights that its mode takes."""
    if own is None:
        own = await accounts.new(*OWN_RULES, *REVIEWER_RULES, everywhere=True)
    async with FaultProxy(backend.server, str(backend.ca_file)) as proxy:
        ca = {"certificate-authority": str(backend.ca_file)}
        kubeconfig = write_kubeconfig(directory / f"{uuid4().hex}.kubeconfig", proxy.url, ca, token=own.token)
        given = {"listen": Address("127.0.0.1", 0), "kubeconfig": kubeconfig, "auth_mode": mode, **settings}
        async with running(default_settings(**given)) as (app, url):
            if app[keys.LIVE_JOBS].enabled:
                await app[keys.LIVE_JOBS].scope_of((settings.get("namespaces") or [None])[0]).cache.settled.wait()
            yield Guarded(app, Caller(session, url, {}), proxy)
