"""Who speaks: ServiceAccounts as in a cluster, one for all callers and one for the service."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.apiserver.accounts import OWN_RULES, REVIEWER_RULES

from .candidates import Candidate
from .http_json import AnswerError

NAMESPACE = "bench-accounts"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RBAC_GROUP = "rbac.authorization.k8s.io"
TOKEN_SECONDS = 24 * 3600
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.1
CALLER_RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list", "watch"]},
]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A bearer token of each account."""

    caller: str = field(repr=False)
    service: str = field(repr=False)


def create(admin: Candidate) -> Tokens:
    """Make the accounts with their roles, and return when the apiserver knows what they may do.

    Raises:
        AnswerError: the apiserver refuses something.
    """
    with admin.connection() as connection:

        def post(path: str, content: dict[str, Any]) -> Any:
            return connection.json("POST", path, content)

        post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for name, rules in (("caller", CALLER_RULES), ("service", [*REVIEWER_RULES, *OWN_RULES])):
            role = {"metadata": {"name": f"bench-{name}"}}
            subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
            reference = {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": f"bench-{name}"}
            post(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": name}})
            post(f"{RBAC}/clusterroles", {**role, "rules": rules})
            post(f"{RBAC}/clusterrolebindings", {**role, "roleRef": reference, "subjects": [subject]})
            _wait_until_known(admin, name)

        def token(name: str) -> str:
            path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{name}/token"
            found: str = post(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})["status"]["token"]
            return found

        return Tokens(token("caller"), token("service"))


def _wait_until_known(admin: Candidate, name: str) -> None:
    """Return when the authorizer has the role, which it learns of a moment after it was stored."""
    attributes = {"verb": "list", "group": "batch", "resource": "jobs"}
    review = {"user": f"system:serviceaccount:{NAMESPACE}:{name}", "resourceAttributes": attributes}
    deadline = time.monotonic() + SETTLE_SECONDS
    with admin.connection() as connection:
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        while not connection.json("POST", path, {"spec": review})["status"]["allowed"]:
            if time.monotonic() > deadline:
                raise AnswerError(
                    f"{review['user']} may not list Jobs {SETTLE_SECONDS:.0f} s after it was allowed to"
                )
            time.sleep(POLL_SECONDS)
