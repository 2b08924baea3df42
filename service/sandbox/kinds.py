"""The kinds that the sandbox serves: how they are called, and which of their fields a fieldSelector may name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service.sandbox.store import Object


@dataclass(frozen=True, slots=True)
class Kind:
    """A namespaced kind.

    Attributes:
        group: the API group, empty for the core one.
        name: the kind's name.
        plural: its resource's name in URLs.
        short_names: what kubectl may call it.
        verbs: what may be done with it here.
        fields: returns what a fieldSelector may name of an object.
        unknown_field: the message that refuses any other field.
        blank: what is written of an object that has nothing, beyond its metadata.
    """

    group: str
    name: str
    plural: str
    short_names: tuple[str, ...]
    verbs: tuple[str, ...]
    fields: Callable[[Object], Mapping[str, str]]
    unknown_field: str
    blank: Mapping[str, Any] = field(hash=False)

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def qualified(self) -> str:
        """Its resource's name in messages, such as jobs.batch."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def field_names(self) -> frozenset[str]:
        """The fields that a fieldSelector may name."""
        return frozenset(self.fields({"metadata": {"name": "", "namespace": ""}}))

    def details(self, name: str) -> dict[str, str]:
        """Return the `details` of a Status about one object."""
        return {"name": name, **({"group": self.group} if self.group else {}), "kind": self.plural}


def _metadata_fields(found: Object) -> dict[str, str]:
    return {"metadata.name": found["metadata"]["name"], "metadata.namespace": found["metadata"]["namespace"]}


def _job_fields(job: Object) -> dict[str, str]:
    return {**_metadata_fields(job), "status.successful": str(job.get("status", {}).get("succeeded", 0))}


def _pod_fields(pod: Object) -> dict[str, str]:
    spec, status = pod.get("spec", {}), pod.get("status", {})
    addresses = status.get("podIPs") or [{}]
    return {
        **_metadata_fields(pod),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.host": spec.get("nodeName", ""),
        "spec.restartPolicy": spec.get("restartPolicy", ""),
        "spec.schedulerName": spec.get("schedulerName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
        "status.phase": status.get("phase", ""),
        "status.podIP": addresses[0].get("ip", ""),
        "status.podIPs": "",
        "status.nominatedNodeName": status.get("nominatedNodeName", ""),
    }


def _event_fields(event: Object) -> dict[str, str]:
    involved = event.get("involvedObject", {})
    names = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    return {
        **_metadata_fields(event),
        **{f"involvedObject.{name}": involved.get(name, "") for name in names},
        "reason": event.get("reason", ""),
        "reportingComponent": event.get("reportingComponent", ""),
        "source": event.get("source", {}).get("component") or event.get("reportingComponent", ""),
        "type": event.get("type", ""),
    }


_BLANK_TEMPLATE = {"metadata": {}, "spec": {"containers": None}}
_BLANK_EVENT: Object = {
    "involvedObject": {}, "source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": None,
    "reportingComponent": "", "reportingInstance": "",
}  # fmt: skip
JOBS = Kind(
    "batch", "Job", "jobs", (), ("create", "delete", "get", "list", "watch"), _job_fields,
    "field label {quoted} not supported for Job", {"spec": {"template": _BLANK_TEMPLATE}, "status": {}},
)  # fmt: skip
PODS = Kind(
    "", "Pod", "pods", ("po",), ("delete", "get", "list", "watch"), _pod_fields,
    "field label not supported: {field}", {"spec": {"containers": None}, "status": {}},
)  # fmt: skip
EVENTS = Kind(
    "", "Event", "events", ("ev",), ("get", "list", "watch"), _event_fields,
    "field label not supported: {field}", _BLANK_EVENT,
)  # fmt: skip
KINDS: Mapping[str, Kind] = MappingProxyType({kind.plural: kind for kind in (JOBS, PODS, EVENTS)})
