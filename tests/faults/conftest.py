"""The contract's fixtures serve the faults too."""

from pathlib import Path

import aiohttp
import pytest

from tests.apiserver.conftest import backend, real_backend
from tests.callers import Caller
from tests.conftest import StartService
from tests.contract.conftest import Backend, direct, namespace, proxy
from tests.faults.proxy import FaultProxy

__all__ = ["backend", "direct", "namespace", "proxy", "real_backend"]


@pytest.fixture
async def impatient_api(
    proxy: FaultProxy,
    backend: Backend,
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
) -> Caller:
    """Return a caller of a service that reaches the apiserver through `proxy` and does not wait long for it."""
    url = await start_service(
        kubeconfig=backend.kubeconfig(tmp_path / "proxied.kubeconfig", proxy.url),
        upstream_first_byte_seconds=2.0,
        chunk_seconds=2.0,
    )
    return Caller(http_client, url, {})
