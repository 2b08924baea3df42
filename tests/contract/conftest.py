"""The backends that the contract is tested on, and the service in front of each."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from service.kube.exchange import USER_AGENT
from service.sandbox import server as sandbox_server
from service.sandbox.store import Store
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.served import Served, serving
from tests.faults.proxy import FaultProxy
from tests.upstream import write_kubeconfig


@dataclass(frozen=True, slots=True)
class Backend:
    """An apiserver that the service can be put in front of.

    Attributes:
        server: its URL.
        ca_file: whom to trust, None for plain http.
        token: the admin's bearer token, None where nobody asks for one.
    """

    server: str
    ca_file: Path | None
    token: str | None

    def caller(self, session: aiohttp.ClientSession) -> Caller:
        """Return a caller that speaks to the apiserver itself, and as the service would."""
        headers = {"User-Agent": USER_AGENT}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        tls = ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else False
        return Caller(session, self.server, headers, tls)

    def kubeconfig(self, path: Path, server: str | None = None) -> str:
        """Write an admin's kubeconfig for it, or for a proxy that stands before it, and return its path."""
        cluster = {} if self.ca_file is None else {"certificate-authority": str(self.ca_file)}
        user = {} if self.token is None else {"token": self.token}
        return write_kubeconfig(path, server or self.server, cluster, **user)


# Its scope is the session's so that the control plane is there before a test begins to count its descriptors.
@pytest.fixture(scope="session", params=["sandbox", pytest.param("cluster", marks=pytest.mark.cluster)])
def real_backend(request: pytest.FixtureRequest) -> Backend | None:
    """Return the real apiserver, or None where the sandbox's turn is."""
    if request.param == "sandbox":
        return None
    control_plane: ControlPlane = request.getfixturevalue("control_plane")
    return Backend(control_plane.server, control_plane.ca_file, control_plane.admin_token)


@pytest.fixture
def store() -> Store:
    """Return what the sandbox keeps its objects in, where it is the sandbox's turn."""
    return Store()


@pytest.fixture
def changeable(real_backend: Backend | None, store: Store) -> Store | None:
    """Return the sandbox's store, which has no PATCH, for a change of a Job; None for the real apiserver."""
    return store if real_backend is None else None


@pytest.fixture
async def backend(real_backend: Backend | None, store: Store) -> AsyncIterator[Backend]:
    """Return each apiserver in turn that the contract holds for; the sandbox is a new one each time."""
    if real_backend is not None:
        yield real_backend
    else:
        async with sandbox_server.running(store) as url:
            yield Backend(url, None, None)


@pytest.fixture
def direct(backend: Backend, http_client: aiohttp.ClientSession) -> Caller:
    """Return a caller of the apiserver itself: what it says is what the service should say."""
    return backend.caller(http_client)


@pytest.fixture
async def api(
    backend: Backend, tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession
) -> Caller:
    """Return a caller of the service, which runs in front of the backend as it does by default."""
    url = await start_service(kubeconfig=backend.kubeconfig(tmp_path / "direct.kubeconfig"), cache=True)
    return Caller(http_client, url, {})


@pytest.fixture(params=[True, False], ids=["cache", "no cache"])
async def served(
    request: pytest.FixtureRequest, backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession
) -> AsyncIterator[Served]:
    """Return the service with its cache, and without: no caller can tell."""
    async with serving(backend, tmp_path, http_client, cache=request.param) as running:
        yield running


@pytest.fixture
async def proxy(backend: Backend) -> AsyncIterator[FaultProxy]:
    """Return a proxy in front of the backend, which does no harm until it is told to."""
    async with FaultProxy(backend.server, str(backend.ca_file) if backend.ca_file else None) as running:
        yield running


@pytest.fixture
async def proxied_api(
    proxy: FaultProxy,
    backend: Backend,
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
) -> Caller:
    """Return a caller of a service that reaches the backend through `proxy`."""
    url = await start_service(kubeconfig=backend.kubeconfig(tmp_path / "proxied.kubeconfig", proxy.url))
    return Caller(http_client, url, {})


@pytest.fixture
async def namespace(direct: Caller, real_backend: Backend | None) -> AsyncIterator[str]:
    """Return a namespace of the test's own; in the sandbox every namespace is there."""
    name = f"test-{uuid4().hex[:12]}"
    if real_backend is None:
        yield name
        return
    created = await direct(
        "POST",
        "/api/v1/namespaces",
        b'{"metadata":{"name":"%s"}}' % name.encode(),
        {"Content-Type": "application/json"},
    )
    assert created.status == 201, created
    yield name
    await direct("DELETE", f"/api/v1/namespaces/{name}")
