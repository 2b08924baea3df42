"""The fields of a Job that a real cluster heeds and the sandbox does not know how to."""

from collections.abc import Iterator
from typing import Any

from service.sandbox.controllers.job_controller import is_managed_elsewhere
from service.sandbox.store import Object

_POD = "spec.template.spec"
# What makes a pod wait, fail or be refused for a reason that the sandbox has nothing of.
_POD_FIELDS = (
    "activeDeadlineSeconds",
    "affinity",
    "nodeName",
    "nodeSelector",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "runtimeClassName",
    "schedulingGates",
    "schedulingGroup",
)
_CONTAINER_FIELDS = (
    "envFrom",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "restartPolicyRules",
    "startupProbe",
    "volumeDevices",
)
_ENV_SOURCES = frozenset({"fieldRef", "resourceFieldRef"})
_VOLUMES = frozenset({"name", "emptyDir", "downwardAPI", "hostPath", "projected"})
_PROJECTED = frozenset({"downwardAPI", "serviceAccountToken"})


def unsupported_reason(job: Object) -> str | None:
    """Return the path of the first field, with its value where that is what matters, that the sandbox cannot run.

    Args:
        job: a complete and valid Job; one that another controller manages is never run here.
    """
    if is_managed_elsewhere(job):
        return None
    return next(_unsupported(job["spec"]["template"]["spec"]), None)


def _unsupported(pod: dict[str, Any]) -> Iterator[str]:
    yield from (f"{_POD}.{name}" for name in _POD_FIELDS if pod.get(name))
    for name, usual in (("schedulerName", "default-scheduler"), ("serviceAccountName", "default")):
        if pod.get(name, usual) not in ("", usual):
            yield f"{_POD}.{name}: {pod[name]}"
    if (pod.get("os") or {}).get("name", "linux") != "linux":
        yield f"{_POD}.os.name: {pod['os']['name']}"
    for kind in ("initContainers", "containers"):
        for number, container in enumerate(pod.get(kind) or ()):
            yield from _in_container(container, f"{_POD}.{kind}[{number}]", is_init=kind == "initContainers")
    for number, volume in enumerate(pod.get("volumes") or ()):
        yield from _in_volume(volume, f"{_POD}.volumes[{number}]")


def _in_container(container: dict[str, Any], path: str, *, is_init: bool) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in _CONTAINER_FIELDS if container.get(name))
    policy = container.get("restartPolicy")
    if policy and not (is_init and policy == "Always"):
        yield f"{path}.restartPolicy: {policy}"
    for number, variable in enumerate(container.get("env") or ()):
        for source in (variable.get("valueFrom") or {}).keys() - _ENV_SOURCES:
            yield f"{path}.env[{number}].valueFrom.{source}"


def _in_volume(volume: dict[str, Any], path: str) -> Iterator[str]:
    for kind in volume.keys() - _VOLUMES:
        yield f"{path}.{kind}"
    for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
        for kind in source.keys() - _PROJECTED:
            yield f"{path}.projected.sources[{number}].{kind}"
