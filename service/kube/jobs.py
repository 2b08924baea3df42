"""A Job as the service keeps it: the apiserver's bytes, and the few fields that are looked at."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from service.kube.objects import decoded
from service.kube.raw_lists import read_list

_NO_LABELS: Mapping[str, str] = MappingProxyType({})
# What the items of a list lack, in the order in which a watch has it.
_HEAD = b'{"kind":"Job","apiVersion":"batch/v1",'


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One of a Job's status.conditions."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class Job(msgspec.Struct, frozen=True, gc=False):
    """One state of a Job.

    Attributes:
        raw: the Job as JSON, with kind and apiVersion, without a line break.
        namespace: its namespace.
        name: its name.
        uid: its uid, which tells it from a later Job of the same name.
        resource_version: its resourceVersion; numbers, because Kubernetes lets them be compared since 1.35:
            https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
        labels: its labels.
        succeeded: status.succeeded, 0 where it is absent.
        conditions: status.conditions.
    """

    raw: bytes
    namespace: str
    name: str
    uid: str
    resource_version: int
    labels: Mapping[str, str]
    succeeded: int
    conditions: tuple[Condition, ...]

    @property
    def fields(self) -> Mapping[str, str]:
        """Return what a fieldSelector may name of a Job."""
        return {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "status.successful": str(self.succeeded),
        }


class JobPage(msgspec.Struct, frozen=True):
    """A list of Jobs, or a part of one.

    Attributes:
        resource_version: the moment that the list shows.
        continue_token: asks for the next part; empty at the end.
        jobs: what it holds.
    """

    resource_version: int
    continue_token: str
    jobs: tuple[Job, ...]


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = "0"
    labels: dict[str, str] | None = None


class _Status(msgspec.Struct):
    succeeded: int | None = None
    conditions: tuple[Condition, ...] | None = None


class _Object(msgspec.Struct):
    kind: str = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    status: _Status = msgspec.field(default_factory=_Status)


_object = msgspec.json.Decoder(_Object)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_job(raw: bytes) -> Job:
    """Read a Job's JSON, as a watch or a GET shows it, or as an item of a list, which lacks kind and apiVersion.

    Raises:
        msgspec.DecodeError: it is no JSON, or a field that is looked at has another type.
    """
    found = decoded(_object, raw)
    metadata = found.metadata
    return Job(
        raw.rstrip() if found.kind else _HEAD + raw.strip()[1:],
        metadata.namespace,
        metadata.name,
        metadata.uid,
        _number(metadata.resource_version),
        metadata.labels or _NO_LABELS,
        found.status.succeeded or 0,
        found.status.conditions or (),
    )


def read_page(raw: bytes) -> JobPage:
    """Read a JobList's JSON.

    Raises:
        msgspec.DecodeError: as in `read_job`.
    """
    found = read_list(raw)
    jobs = tuple(read_job(bytes(item)) for item in found.items)
    return JobPage(_number(found.resource_version), found.continue_token, jobs)


def resource_version_of(raw: bytes) -> int:
    """Return metadata.resourceVersion of any object's JSON.

    Raises:
        msgspec.DecodeError: as in `read_job`.
    """
    return _number(decoded(_object, raw).metadata.resource_version)


def with_resource_version(raw: bytes, resource_version: int) -> bytes:
    """Return an object's JSON with another metadata.resourceVersion, every other byte of a value as it was."""
    content = _members.decode(raw)
    metadata = _members.decode(content["metadata"])
    metadata["resourceVersion"] = msgspec.Raw(b'"%d"' % resource_version)
    content["metadata"] = msgspec.Raw(msgspec.json.encode(metadata))
    return msgspec.json.encode(content)


def _number(resource_version: str) -> int:
    try:
        return int(resource_version)
    except ValueError:
        raise msgspec.ValidationError("a resourceVersion is no number") from None
