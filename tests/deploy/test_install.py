"""The chart and the manifests on a real apiserver, whose fake node makes every pod ready that it lets in."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.polling import eventually

from .helm import Helm, of_kind
from .namespaces import ENFORCED, apply, left_in, make_namespace, nothing_left_in, ready_pods
from .paths import CHART, MANIFESTS
from .value_sets import VALUE_SETS

pytestmark = pytest.mark.deploy

CRDS = Path(__file__).parent / "monitoring-crds.yaml"


@pytest.fixture
def restricted(control_plane: ControlPlane) -> Iterator[str]:
    """Return a namespace in which the apiserver lets only restricted pods in."""
    name = f"restricted-{uuid4().hex[:8]}"
    make_namespace(control_plane, name, ENFORCED)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def monitored(control_plane: ControlPlane) -> ControlPlane:
    """Return the control plane with the kinds of the Prometheus Operator."""
    control_plane.kubectl("apply", "--filename", str(CRDS))
    control_plane.kubectl("wait", "--for=condition=Established", "--filename", str(CRDS))
    return control_plane


@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)
def test_the_apiserver_accepts_every_object_of_every_set_of_values(
    helm: Helm, monitored: ControlPlane, restricted: str, values: Mapping[str, Any]
) -> None:
    for name in values.get("rbac", {}).get("namespaces", []):
        make_namespace(monitored, name, {})
    objects = helm.rendered(values, namespace=restricted)
    (test,) = of_kind(objects, "Pod")
    account = {"name": test["spec"]["serviceAccountName"], "namespace": restricted}
    # A pod is refused, even in a dry run, where its account is not there.
    apply(monitored, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    apply(monitored, *objects, more=("--dry-run=server", "--validate=strict", "--warnings-as-errors"))


def test_it_is_installed_upgraded_and_leaves_nothing_behind(
    cluster_helm: Helm, control_plane: ControlPlane, restricted: str
) -> None:
    where = (f"--namespace={restricted}", "--wait", "--timeout=60s")
    notes = cluster_helm("install", "job-api", str(CHART), *where)
    assert "port-forward service/job-api 8080:80" in notes
    assert len(ready_pods(control_plane, restricted)) == 2
    first = control_plane.kubectl("get", "pods", f"--namespace={restricted}", "--output=name").split()

    changed = {
        "settings": {"logLevel": "debug"},
        "autoscaling": {"enabled": True, "minReplicas": 3},
        "networkPolicy": {"enabled": True},
        "rbac": {"namespaces": [restricted]},
    }
    cluster_helm("upgrade", "job-api", str(CHART), *where, values=changed)
    eventually(lambda: len(ready_pods(control_plane, restricted)) == 3, "three pods are ready")
    assert not {f"pod/{pod['metadata']['name']}" for pod in ready_pods(control_plane, restricted)} & set(first)
    roles = control_plane.kubectl("get", "roles,clusterroles", f"--namespace={restricted}", "--output=name").split()
    assert f"role.rbac.authorization.k8s.io/{restricted}:job-api" in roles
    assert f"clusterrole.rbac.authorization.k8s.io/{restricted}:job-api" not in roles

    there = left_in(control_plane, restricted)
    assert {"service/job-api", "serviceaccount/job-api", "deployment.apps/job-api"} <= set(there)
    cluster_helm("uninstall", "job-api", *where)
    eventually(partial(nothing_left_in, control_plane, restricted), "nothing is left")


def test_two_releases_of_one_name_in_two_namespaces_do_not_meet(
    cluster_helm: Helm, control_plane: ControlPlane, restricted: str, namespace: str
) -> None:
    for each in (restricted, namespace):
        cluster_helm("install", "job-api", str(CHART), f"--namespace={each}")
    for each in (restricted, namespace):
        cluster_helm("uninstall", "job-api", f"--namespace={each}", "--wait")
        eventually(partial(nothing_left_in, control_plane, each), "nothing is left")


def test_the_manifests_are_installed_by_kubectl_and_leave_nothing_behind(control_plane: ControlPlane) -> None:
    control_plane.kubectl("apply", "--server-side", "--kustomize", str(MANIFESTS))
    eventually(lambda: len(ready_pods(control_plane, "job-api")) == 2, "two pods are ready")
    control_plane.kubectl("delete", "--kustomize", str(MANIFESTS), "--wait=false")
    spaces = ("get", "namespaces", "--output=name")
    eventually(lambda: "namespace/job-api" not in control_plane.kubectl(*spaces).split(), "its namespace is gone")
    assert not [each for each in left_in(control_plane, "job-api") if "/job-api:" in each]
