"""What each call takes: the review attributes of section 1 of the contract, all in one table."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from service.kube.reviews import AccessAttributes
from service.resources import JOBS, Resource


class Right(NamedTuple):
    """What an RBAC rule would have to allow.

    Attributes:
        verb: the Kubernetes verb; it never follows from the HTTP method.
        resource: the resource.
        named: whether it is about the one object that the call names, if it names one.
    """

    verb: str
    resource: Resource
    named: bool = True


# The last one of a call is what its audit line tells.
RIGHTS: Mapping[str, Sequence[Right]] = MappingProxyType(
    {
        "get": (Right("get", JOBS),),
        "create": (Right("create", JOBS, named=False),),
        "delete": (Right("delete", JOBS),),
        "list": (Right("list", JOBS),),
        "watch": (Right("watch", JOBS),),
        "wait": (Right("get", JOBS), Right("watch", JOBS)),
    }
)


def attributes_of(call: str, namespace: str, name: str) -> tuple[AccessAttributes, ...]:
    """Return what a call has to be allowed.

    Args:
        call: a call of `RIGHTS`.
        namespace: the namespace; empty for all.
        name: the name that the call is about; empty where it is about none, or more than one.
    """
    return tuple(
        AccessAttributes(right.verb, right.resource, namespace, name if right.named else "")
        for right in RIGHTS[call]
    )
