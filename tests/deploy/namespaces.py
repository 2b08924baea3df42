"""Namespaces of a cluster: made for a release, and what is in them before and after."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.polling import eventually

ENFORCED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
    # It also says of a Deployment whether its pods would be let in.
    "pod-security.kubernetes.io/warn": "restricted",
}
# Not of a release: what Kubernetes makes in every namespace, what it notes, and what follows from other objects.
_OF_ITS_OWN = {"events", "events.events.k8s.io", "configmaps/kube-root-ca.crt", "serviceaccounts/default"}


def apply(cluster: Cluster, *objects: dict[str, Any], more: Sequence[str] = ()) -> None:
    """Apply objects with kubectl; those that are there already become as given."""
    wanted = {"apiVersion": "v1", "kind": "List", "items": objects}
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *more, "--filename=-", input=json.dumps(wanted))


def make_namespace(cluster: Cluster, name: str, labels: Mapping[str, str]) -> None:
    """Make a namespace, if there is none of the name, and wait until pods may be made in it."""
    apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}})
    account = ("get", "serviceaccounts", f"--namespace={name}", "--output=name")
    eventually(lambda: "serviceaccount/default" in cluster.kubectl(*account), f"the default account of {name}")


def left_in(cluster: Cluster, namespace: str) -> list[str]:
    """Return what there is in a namespace, and what the release in it made for the whole cluster."""
    listable = ("api-resources", "--namespaced", "--verbs=list", "--output=name", "--cached=false")
    resources = [name for name in cluster.kubectl(*listable).split() if name not in _OF_ITS_OWN]
    found = cluster.kubectl("get", ",".join(resources), f"--namespace={namespace}", "--output=name").split()
    roles = cluster.kubectl("get", "clusterroles,clusterrolebindings", "--output=name").split()
    own = {
        each.replace("serviceaccounts", "serviceaccount").replace("configmaps", "configmap") for each in _OF_ITS_OWN
    }
    return [each for each in found if each not in own] + [each for each in roles if f"/{namespace}:" in each]


def nothing_left_in(cluster: Cluster, namespace: str) -> bool:
    return not left_in(cluster, namespace)


def ready_pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
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
