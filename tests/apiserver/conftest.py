"""The contract's fixtures, on the real apiserver alone."""

import pytest

from tests.apiserver.accounts import Accounts
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend, api, direct, namespace, proxied_api, proxy

__all__ = ["api", "direct", "namespace", "proxied_api", "proxy"]


@pytest.fixture(scope="session")
def real_backend(control_plane: ControlPlane) -> Backend:
    """Return the real apiserver."""
    return Backend(control_plane.server, control_plane.ca_file, control_plane.admin_token)


@pytest.fixture
def backend(real_backend: Backend) -> Backend:
    """Return the real apiserver, under the name by which the contract's fixtures know it."""
    return real_backend


@pytest.fixture
def accounts(direct: Caller, namespace: str) -> Accounts:
    """Return what makes accounts in the test's namespace."""
    return Accounts(direct, namespace)
