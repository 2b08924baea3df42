"""The chart and the manifests on a real apiserver, whose fake node makes every pod ready that it lets in."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.polling import eventually

from .helm import Helm, of_kind
from .paths import CHART, MANIFESTS
from .value_sets import VALUE_SETS

pytestmark = pytest.mark.deploy

CRDS = Path(__file__).parent / "monitoring-crds.yaml"
ENFORCED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
    # It also says of a Deployment whether its pods would be let in.
    "pod-security.kubernetes.io/warn": "restricted",
}
# Not of a release: what Kubernetes makes in every namespace, what it notes, and what follows from other objects.
_OF_ITS_OWN = {"events", "events.events.k8s.io", "configmaps/kube-root-ca.crt", "serviceaccounts/default"}


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


def apply(cluster: ControlPlane, *objects: dict[str, Any], more: Sequence[str] = ()) -> None:
    """Apply objects with kubectl; those that are there already become as given."""
    wanted = {"apiVersion": "v1", "kind": "List", "items": objects}
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *more, "--filename=-", input=json.dumps(wanted))


def make_namespace(cluster: ControlPlane, name: str, labels: Mapping[str, str]) -> None:
    """Make a namespace, if there is none of the name, and wait until pods may be made in it."""
    apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}})
    account = ("get", "serviceaccounts", f"--namespace={name}", "--output=name")
    eventually(lambda: "serviceaccount/default" in cluster.kubectl(*account), f"the default account of {name}")


def left_in(cluster: ControlPlane, namespace: str) -> list[str]:
    """Return what there is in a namespace, and what the release in it made for the whole cluster."""
    listable = ("api-resources", "--namespaced", "--verbs=list", "--output=name", "--cached=false")
    resources = [name for name in cluster.kubectl(*listable).split() if name not in _OF_ITS_OWN]
    found = cluster.kubectl("get", ",".join(resources), f"--namespace={namespace}", "--output=name").split()
    roles = cluster.kubectl("get", "clusterroles,clusterrolebindings", "--output=name").split()
    own = {
        each.replace("serviceaccounts", "serviceaccount").replace("configmaps", "configmap") for each in _OF_ITS_OWN
    }
    return [each for each in found if each not in own] + [each for each in roles if f"/{namespace}:" in each]


def nothing_left_in(cluster: ControlPlane, namespace: str) -> bool:
    return not left_in(cluster, namespace)


def ready_pods(cluster: ControlPlane, namespace: str) -> list[dict[str, Any]]:
    listed = cluster.kubectl("get", "pods", f"--namespace={namespace}", "--output=json")
    pods: list[dict[str, Any]] = json.loads(listed)["items"]
    return [
        pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and {"type": "Ready", "status": "True"}.items() <= _ready(pod).items()
    ]


def _ready(pod: dict[str, Any]) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Ready"), {})


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
