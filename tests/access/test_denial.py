"""A no in kube-apiserver's words, which kubectl and its users know (its own ForbiddenMessage and NewForbidden)."""

import pytest

from service.access.denial import denial
from service.kube.reviews import AccessAttributes
from service.resources import JOBS, PODS, PODS_LOG

IN_BATCH = {"group": "batch", "kind": "jobs"}


@pytest.mark.parametrize(
    ("wanted", "reason", "message", "details"),
    [
        (
            AccessAttributes("list", JOBS, "team", ""),
            "",
            'jobs.batch is forbidden: User "ann" cannot list resource "jobs" in API group "batch" '
            'in the namespace "team"',
            IN_BATCH,
        ),
        (
            AccessAttributes("watch", JOBS, "", ""),
            "",
            'jobs.batch is forbidden: User "ann" cannot watch resource "jobs" in API group "batch" '
            "at the cluster scope",
            IN_BATCH,
        ),
        (
            AccessAttributes("get", JOBS, "team", "one"),
            "no RBAC policy matched",
            'jobs.batch "one" is forbidden: User "ann" cannot get resource "jobs" in API group "batch" '
            'in the namespace "team": no RBAC policy matched',
            {"name": "one", **IN_BATCH},
        ),
        (
            AccessAttributes("list", PODS, "team", ""),
            "",
            'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "team"',
            {"kind": "pods"},
        ),
        (
            AccessAttributes("get", PODS_LOG, "team", "one-x"),
            "",
            'pods "one-x" is forbidden: User "ann" cannot get resource "pods/log" in API group "" '
            'in the namespace "team"',
            {"name": "one-x", "kind": "pods"},
        ),
    ],
)
def test_it_says_who_may_not_do_what_and_where(
    wanted: AccessAttributes, reason: str, message: str, details: dict[str, str]
) -> None:
    told = denial("ann", wanted, reason)
    assert (told.code, told.reason, told.message, told.details) == (403, "Forbidden", message, details)
