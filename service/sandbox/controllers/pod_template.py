"""The pods that the Job controller creates, complete as the apiserver would store them."""

import random
from datetime import datetime
from typing import Any

from service.sandbox.clock import timestamp
from service.sandbox.controllers.pods import INDEX, TRACKING_FINALIZER
from service.sandbox.store import Object

FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURE_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count"

# names.SimpleNameGenerator of k8s.io/apiserver: no vowels, and nothing that looks like another.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_PREFIX = 58
_ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOLERATIONS = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
)


def random_suffix() -> str:
    """Return what is put at the end of a generateName."""
    return "".join(random.choices(_ALPHABET, k=5))  # noqa: S311 - a name, no secret


def new_pod(job: Object, index: int | None, annotations: dict[str, str], now: datetime) -> Object:
    """Return a pod of a Job as it is created.

    Args:
        job: whose.
        index: which one of an Indexed Job's.
        annotations: further ones.
        now: when.
    """
    template = job["spec"]["template"]
    described = template.get("metadata") or {}
    prefix = _prefix(job["metadata"]["name"], index)
    indexed = {} if index is None else {INDEX: str(index)}
    all_annotations = {**(described.get("annotations") or {}), **indexed, **annotations}
    finalizers = described.get("finalizers") or []
    metadata = {
        "name": prefix[:_LONGEST_PREFIX] + random_suffix(),
        "generateName": prefix,
        "namespace": job["metadata"]["namespace"],
        "generation": 1,
        "creationTimestamp": timestamp(now),
        "labels": {**(described.get("labels") or {}), **indexed},
        **({"annotations": all_annotations} if all_annotations else {}),
        "ownerReferences": [_owner(job)],
        "finalizers": [*finalizers, *({TRACKING_FINALIZER} - set(finalizers))],
    }
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": _spec(template["spec"], job, index),
        "status": {"phase": "Pending", "qosClass": qos_class(template["spec"])},
    }


def qos_class(spec: dict[str, Any]) -> str:
    """Return what the apiserver makes of the containers' requests and limits of cpu and memory.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
    """
    each = [c.get("resources") or {} for c in [*spec["containers"], *(spec.get("initContainers") or [])]]
    limits = [_compute(resources.get("limits")) for resources in each]
    requests = [_compute(resources.get("limits")) | _compute(resources.get("requests")) for resources in each]
    if not any(requests):
        return "BestEffort"
    same = all(limit.keys() == {"cpu", "memory"} for limit in limits) and limits == requests
    return "Guaranteed" if same else "Burstable"


def _compute(quantities: dict[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (quantities or {}).items() if name in {"cpu", "memory"}}


def _prefix(name: str, index: int | None) -> str:
    """Return the generateName; that of an Indexed Job keeps its index however long the name is."""
    if index is None:
        return f"{name}-"
    tail = f"-{index}-"
    return name[: _LONGEST_PREFIX - len(tail)] + tail


def _owner(job: Object) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _spec(template: dict[str, Any], job: Object, index: int | None) -> dict[str, Any]:
    """Return the template's spec with what admission adds to every pod, and an Indexed Job to its own."""
    account = template.get("serviceAccountName") or "default"
    spec: dict[str, Any] = {
        **template,
        "serviceAccountName": account,
        "serviceAccount": account,
        "tolerations": [*(template.get("tolerations") or ()), *_missing_tolerations(template)],
        "priority": 0,
        "enableServiceLinks": template.get("enableServiceLinks", True),
        "preemptionPolicy": template.get("preemptionPolicy", "PreemptLowerPriority"),
    }
    mount = None
    if template.get("automountServiceAccountToken", True):
        volume = _account_volume()
        spec["volumes"] = [*(template.get("volumes") or ()), volume]
        mount = {"name": volume["name"], "readOnly": True, "mountPath": _ACCOUNT_PATH}
    for kind in ("initContainers", "containers"):
        if template.get(kind):
            spec[kind] = [_container(each, mount, index) for each in template[kind]]
    if index is not None:
        spec["hostname"] = f"{job['metadata']['name']}-{index}"
    return spec


def _missing_tolerations(template: dict[str, Any]) -> list[dict[str, Any]]:
    keys = {
        each.get("key") for each in template.get("tolerations") or () if each.get("effect") in (None, "NoExecute")
    }
    return [dict(each) for each in _TOLERATIONS if each["key"] not in keys and None not in keys]


def _container(template: dict[str, Any], mount: dict[str, Any] | None, index: int | None) -> dict[str, Any]:
    container = dict(template)
    env = container.get("env") or []
    if index is not None and all(each["name"] != "JOB_COMPLETION_INDEX" for each in env):
        path = {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}
        container["env"] = [*env, {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": path}}]
    resources = container.get("resources") or {}
    if resources.get("limits"):
        container["resources"] = {
            **resources,
            "requests": {**resources["limits"], **(resources.get("requests") or {})},
        }
    mounts = container.get("volumeMounts") or []
    if mount is not None and all(each["mountPath"] != _ACCOUNT_PATH for each in mounts):
        container["volumeMounts"] = [*mounts, mount]
    return container


def _account_volume() -> dict[str, Any]:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": f"kube-api-access-{random_suffix()}", "projected": {"sources": sources, "defaultMode": 420}}
