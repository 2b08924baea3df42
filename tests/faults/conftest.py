"""The contract's fixtures serve the faults too."""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.apiserver.conftest import backend, real_backend
from tests.cache.conftest import front
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.conftest import Backend, direct, namespace, proxy
from tests.faults.proxy import FaultProxy
from tests.prompt import ways

__all__ = ["backend", "direct", "front", "namespace", "proxy", "real_backend", "ways"]


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


# Its scope spares each module the seconds that a control plane takes to start.
@pytest.fixture(scope="package")
def fragile_control_plane() -> Iterator[ControlPlane]:
    """Return a control plane whose parts these tests may kill, as long as they start them again."""
    with ControlPlane() as running:
        yield running


@pytest.fixture
async def hasty_api(
    proxy: FaultProxy,
    backend: Backend,
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> Caller:
    """Return a caller of a service with a cache, which tries again as often as a test's faults come."""
    monkeypatch.setattr("service.cache.reflector._LONGEST_PAUSE_SECONDS", 0.5)
    url = await start_service(
        kubeconfig=backend.kubeconfig(tmp_path / "hasty.kubeconfig", proxy.url),
        cache=True,
        watch_silence_seconds=1.5,
        chunk_seconds=1.5,
        upstream_first_byte_seconds=2.0,
    )
    return Caller(http_client, url, {})
