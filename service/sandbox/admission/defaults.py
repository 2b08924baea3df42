"""The defaults that the apiserver writes into a Job.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/batch/v1/defaults.go and pkg/apis/core/v1/defaults.go
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from service.sandbox.admission.schema import Type, fields_of
from service.sandbox.store import Object

_FILE_MODE = 0o644

# Written where the field is absent, or has a zero that means nothing.
_CONSTANTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "V1AzureDiskVolumeSource": {
            "cachingMode": "ReadWrite",
            "fsType": "ext4",
            "readOnly": False,
            "kind": "Shared",
        },
        "V1ConfigMapVolumeSource": {"defaultMode": _FILE_MODE},
        "V1ContainerPort": {"protocol": "TCP"},
        "V1DownwardAPIVolumeSource": {"defaultMode": _FILE_MODE},
        "V1FileKeySelector": {"optional": False},
        "V1GRPCAction": {"service": ""},
        "V1HTTPGetAction": {"path": "/", "scheme": "HTTP"},
        "V1HostPathVolumeSource": {"type": ""},
        "V1ISCSIVolumeSource": {"iscsiInterface": "default"},
        "V1ObjectFieldSelector": {"apiVersion": "v1"},
        "V1PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
        "V1PodFailurePolicyOnPodConditionsPattern": {"status": "True"},
        "V1PodSpec": {
            "dnsPolicy": "ClusterFirst",
            "restartPolicy": "Always",
            "securityContext": {},
            "terminationGracePeriodSeconds": 30,
            "schedulerName": "default-scheduler",
        },
        "V1Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        "V1ProjectedVolumeSource": {"defaultMode": _FILE_MODE},
        "V1RBDVolumeSource": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
        "V1ScaleIOVolumeSource": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
        "V1SecretVolumeSource": {"defaultMode": _FILE_MODE},
        "V1ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    }
)

# https://github.com/distribution/reference/blob/v0.6.0/regexp.go; a name that does not match has no tag.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])"
)
_IMAGE = re.compile(
    rf"(?:{_DOMAIN}(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


def set_defaults(job: Object) -> None:
    """Write into a decoded Job what the apiserver writes where nothing was given."""
    for struct, value in _structs(Type("struct", "v1.Job", struct="V1Job"), job):
        for name, default in _CONSTANTS.get(struct, {}).items():
            if name not in value or _is_lost_zero(struct, name, value[name]):
                value[name] = default.copy() if isinstance(default, dict) else default
        if struct in _RULES:
            _RULES[struct](value)


def _structs(of: Type, value: Any) -> Iterator[tuple[str, Object]]:
    """Yield every struct in a value, the inner ones after the outer ones."""
    if of.kind == "struct":
        yield of.struct, value
        for name, known in fields_of(of.struct).items():
            if value.get(name) is not None:
                yield from _structs(known.type, value[name])
    elif of.kind == "list" and of.element is not None:
        for item in value:
            yield from _structs(of.element, item)


def _is_lost_zero(struct: str, name: str, value: Any) -> bool:
    return not value and not isinstance(value, dict) and not fields_of(struct)[name].pointer


def _default_job(job: Object) -> None:
    metadata, labels = job["metadata"], job["spec"]["template"]["metadata"].get("labels")
    if labels and "labels" not in metadata:
        # The same map, in the apiserver, too: what is added to the template's later is in the Job's.
        metadata["labels"] = labels


def _default_job_spec(spec: Object) -> None:
    if "parallelism" not in spec:
        spec.setdefault("completions", 1)
        spec["parallelism"] = 1
    spec.setdefault("backoffLimit", 2**31 - 1 if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)


def _default_pod_spec(spec: Object) -> None:
    # Two names of one field; the newer one wins.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _default_container(container: Object) -> None:
    container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")


def _default_volume(volume: Object) -> None:
    if volume.keys() == {"name"}:
        volume["emptyDir"] = {}
    if "image" in volume:
        volume["image"].setdefault("pullPolicy", _pull_policy(volume["image"].get("reference", "")))


def _pull_policy(image: str) -> str:
    parsed = _IMAGE.fullmatch(image)
    if parsed is None:
        return "IfNotPresent"
    untagged = parsed["tag"] is None and parsed["digest"] is None
    return "Always" if untagged or parsed["tag"] == "latest" else "IfNotPresent"


_RULES: Mapping[str, Callable[[Object], None]] = MappingProxyType(
    {
        "V1Job": _default_job,
        "V1JobSpec": _default_job_spec,
        "V1PodSpec": _default_pod_spec,
        "V1Container": _default_container,
        "V1EphemeralContainer": _default_container,
        "V1Volume": _default_volume,
    }
)
