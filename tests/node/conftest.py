"""The contract's fixtures, on the cluster whose containers really run."""

import aiohttp
import pytest

from tests.callers import Caller
from tests.cluster.node.real_node import RealNode
from tests.conftest import StartService
from tests.contract.conftest import Backend, direct, namespace

__all__ = ["direct", "namespace"]


@pytest.fixture(scope="session")
def real_backend(real_node: RealNode) -> Backend:
    """Return the apiserver of the cluster with the real node."""
    return Backend(real_node.server, real_node.ca_file, real_node.admin_token)


@pytest.fixture
def backend(real_backend: Backend) -> Backend:
    """Return the same, under the name by which the contract's fixtures know it."""
    return real_backend


@pytest.fixture
async def api(real_node: RealNode, start_service: StartService, http_client: aiohttp.ClientSession) -> Caller:
    """Return a caller of the service, which runs in front of that cluster as it does by default."""
    return Caller(http_client, await start_service(kubeconfig=str(real_node.kubeconfig), cache=True), {})
