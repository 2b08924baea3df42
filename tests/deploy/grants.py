"""What a rendered chart grants, and the same without one verb of one rule."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .helm import of_kind

ROLES = ("ClusterRole", "Role")
Objects = list[dict[str, Any]]


class Verb(NamedTuple):
    """One verb that a role allows on one resource.

    Attributes:
        kind: the role's kind.
        namespace: the role's namespace; empty for a ClusterRole.
        role: the role's name.
        group: the resource's group.
        resource: the resource.
        verb: the verb.
    """

    kind: str
    namespace: str
    role: str
    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{where}"


def with_own_copies(objects: Objects, roles: Objects) -> Objects:
    """Return objects whose bindings to ClusterRoles of the cluster lead to copies of these, to be changed."""
    bound = {each["roleRef"]["name"] for each in of_kind(objects, "ClusterRoleBinding")}
    changed, copies = copy.deepcopy(objects), []
    for role in (each for each in roles if each["metadata"]["name"] in bound):
        (binding,) = (
            each
            for each in of_kind(changed, "ClusterRoleBinding")
            if each["roleRef"]["name"] == role["metadata"]["name"]
        )
        binding["roleRef"]["name"] = binding["metadata"]["name"]
        copies.append(
            {
                "apiVersion": role["apiVersion"],
                "kind": "ClusterRole",
                "metadata": {"name": binding["metadata"]["name"]},
                "rules": role["rules"],
            }
        )
    return changed + copies


def bound_to(objects: Objects, account: str) -> Objects:
    """Return the roles that are bound to an account."""
    bindings = [
        each
        for each in of_kind(objects, "ClusterRoleBinding", "RoleBinding")
        if any(subject["name"] == account for subject in each["subjects"])
    ]
    wanted = {(each["roleRef"]["kind"], _namespace(each), each["roleRef"]["name"]) for each in bindings}
    return [each for each in of_kind(objects, *ROLES) if _place(each) in wanted]


def verbs_of(roles: Sequence[dict[str, Any]]) -> Iterator[Verb]:
    """Yield each verb that roles allow."""
    for role in roles:
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        yield Verb(*_place(role), group, resource, verb)


def without(objects: Objects, verb: Verb) -> Objects:
    """Return objects without a verb."""
    changed = copy.deepcopy(objects)
    for role in of_kind(changed, *ROLES):
        if _place(role) == verb[:3]:
            role["rules"] = [rule for each in role["rules"] for rule in _reduced(each, verb)]
    assert changed != objects, verb
    return changed


def _reduced(rule: dict[str, Any], verb: Verb) -> Iterator[dict[str, Any]]:
    if verb.group not in rule["apiGroups"] or verb.resource not in rule["resources"]:
        yield rule
        return
    others = [each for each in rule["resources"] if each != verb.resource]
    verbs = [each for each in rule["verbs"] if each != verb.verb]
    if others:
        yield {**rule, "resources": others}
    if verbs:
        yield {**rule, "resources": [verb.resource], "verbs": verbs}


def _place(role: dict[str, Any]) -> tuple[str, str, str]:
    return role["kind"], _namespace(role), role["metadata"]["name"]


def _namespace(each: dict[str, Any]) -> str:
    namespace: str = each["metadata"].get("namespace", "")
    return namespace
