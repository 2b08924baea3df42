"""The Kubernetes resources that are asked for upstream: their URL paths, and the checks of their names.

A name is checked before a URL is built from it. URL libraries normalise `..` away, so an unchecked
namespace of `..` would ask the apiserver for the Jobs of all namespaces.
"""

from dataclasses import dataclass

from service.dns_names import is_label, is_subdomain
from service.errors import BadRequest, shown


@dataclass(frozen=True, slots=True)
class Resource:
    """A Kubernetes resource.

    Attributes:
        group: the API group, empty for the core one.
        version: the version within the group.
        plural: the name in URLs.
        subresource: the part of an object that is meant, such as a pod's log; empty for the object itself.
    """

    group: str
    version: str
    plural: str
    subresource: str = ""

    @property
    def rule(self) -> str:
        """The name in an RBAC rule, such as jobs or pods/log."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the apiserver's path of one object, of a namespace's list, or of the list of all.

        Args:
            namespace: a checked DNS-1123 label, or None for all namespaces.
            name: a checked DNS-1123 subdomain, or None for a list.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if namespace is None:
            return f"{root}/{self.plural}"
        collection = f"{root}/namespaces/{namespace}/{self.plural}"
        if name is None:
            return collection
        single = f"{collection}/{name}"
        return f"{single}/{self.subresource}" if self.subresource else single


JOBS = Resource(group="batch", version="v1", plural="jobs")
PODS = Resource(group="", version="v1", plural="pods")
PODS_LOG = Resource(group="", version="v1", plural="pods", subresource="log")
EVENTS = Resource(group="", version="v1", plural="events")


def check_namespace(value: str) -> str:
    """Return the value when it is a DNS-1123 label, the form of a namespace; raise BadRequest if not."""
    if is_label(value):
        return value
    raise BadRequest(
        f"namespace {shown(value)} is not a DNS-1123 label: at most 63 lower-case letters, digits and '-', "
        "beginning and ending with a letter or digit"
    )


def check_name(value: str) -> str:
    """Return the value when it is a DNS-1123 subdomain, the form of a Job's name; raise BadRequest if not."""
    if is_subdomain(value):
        return value
    raise BadRequest(
        f"name {shown(value)} is not a DNS-1123 subdomain: at most 253 lower-case letters, digits, '-' and '.', "
        "each part beginning and ending with a letter or digit"
    )
