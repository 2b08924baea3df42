"""helm, promtool, and the real apiserver's fixtures."""

from pathlib import Path

import pytest

from tests.apiserver.conftest import backend, real_backend
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import direct, namespace

from .helm import Helm, helm_program
from .promtool import Promtool, promtool_program

__all__ = ["backend", "direct", "namespace", "real_backend"]


# Its scope is the session's so that helm is built before a test begins to count its descriptors.
@pytest.fixture(scope="session")
def built() -> Path:
    """Return the program."""
    return helm_program()


@pytest.fixture
def helm(built: Path, tmp_path: Path) -> Helm:
    """Return helm without a cluster."""
    return Helm(built, tmp_path)


@pytest.fixture
def cluster_helm(built: Path, control_plane: ControlPlane, tmp_path: Path) -> Helm:
    """Return helm on the control plane."""
    return Helm(built, tmp_path, control_plane.kubeconfig)


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Return promtool."""
    return Promtool(promtool_program())
