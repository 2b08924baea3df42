"""What each call takes: the review attributes of section 1 of the contract, all in one table."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from service.kube.reviews import AccessAttributes
from service.resources import EVENTS, JOBS, PODS, PODS_LOG, Resource


class Right(NamedTuple):
    """What an RBAC rule would have to allow.

    Attributes:
        verb: the Kubernetes verb; it never follows from the HTTP method.
        resource: the resource.
        names: whose name it is about, where the call has it: the Job's, a pod's, or none.
    """

    verb: str
    resource: Resource
    names: Literal["job", "pod", ""] = ""


_GET_JOB = Right("get", JOBS, "job")
_LIST_PODS = Right("list", PODS)
_GET_LOG = Right("get", PODS_LOG, "pod")

# The last one of a call is what its audit line tells.
RIGHTS: Mapping[str, Sequence[Right]] = MappingProxyType(
    {
        "get": (_GET_JOB,),
        "create": (Right("create", JOBS),),
        "delete": (Right("delete", JOBS, "job"),),
        "list": (Right("list", JOBS, "job"),),
        "watch": (Right("watch", JOBS, "job"),),
        "wait": (_GET_JOB, Right("watch", JOBS, "job")),
        "pods": (_GET_JOB, _LIST_PODS),
        "events": (_GET_JOB, _LIST_PODS, Right("list", EVENTS)),
        "log": (_GET_JOB, _LIST_PODS, _GET_LOG),
        "follow": (_GET_JOB, _LIST_PODS, Right("watch", PODS), _GET_LOG),
    }
)


def attributes_of(call: str, namespace: str, name: str, pod: str = "") -> tuple[AccessAttributes, ...]:
    """Return what a call has to be allowed.

    Args:
        call: a call of `RIGHTS`.
        namespace: the namespace; empty for all.
        name: the name of the Job that the call is about; empty where it is about none, or more than one.
        pod: the name of the one pod that it is about; empty where it is about none, or all of the Job's.
    """
    known = {"job": name, "pod": pod, "": ""}
    return tuple(
        AccessAttributes(right.verb, right.resource, namespace, known[right.names]) for right in RIGHTS[call]
    )
