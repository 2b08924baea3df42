"""ServiceAccounts with rules of their own, and tokens for them from the TokenRequest API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from tests.callers import Answer, Caller
from tests.waiting import eventually_true

JSON = {"Content-Type": "application/json"}
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_GROUP = "rbac.authorization.k8s.io"
# What the service's own account needs in mode delegated, with a cache.
OWN_RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
]
REVIEWER_RULES = [
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]


def rule(
    *verbs: str, names: Sequence[str] = (), resources: Sequence[str] = ("jobs",), group: str = "batch"
) -> dict[str, Any]:
    """Return an RBAC rule about Jobs, or about those of some names only, or about other resources of a group."""
    found: dict[str, Any] = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    return found | ({"resourceNames": list(names)} if names else {})


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount.

    Attributes:
        namespace: where it lives.
        name: its name.
        token: a bearer token of it.
    """

    namespace: str
    name: str
    token: str

    @property
    def username(self) -> str:
        """The name by which the apiserver knows it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def headers(self) -> dict[str, str]:
        """What its calls bear."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Makes accounts in a namespace.

    Attributes:
        admin: speaks to the apiserver itself, and may do everything.
        namespace: where the accounts live.
    """

    admin: Caller
    namespace: str

    async def new(self, *rules: dict[str, Any], everywhere: bool = False) -> Account:
        """Return a new account with rules in its namespace, or in all."""
        name = f"account-{uuid4().hex[:8]}"
        await self._post(f"/api/v1/namespaces/{self.namespace}/serviceaccounts", {"metadata": {"name": name}})
        account = Account(self.namespace, name, await self.token_for(name))
        if rules:
            await self.allow(account, *rules, everywhere=everywhere)
        return account

    async def token_for(self, name: str, *audiences: str) -> str:
        """Return a token of an account, for the apiserver or for others."""
        spec = {"audiences": list(audiences)} if audiences else {}
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{name}/token"
        answer = await self._post(path, {"spec": spec})
        token: str = answer.json["status"]["token"]
        return token

    async def allow(
        self, account: Account, *rules: dict[str, Any], namespace: str | None = None, everywhere: bool = False
    ) -> str:
        """Give an account rules, in a namespace or in all, and return the path of what does so.

        They hold on return: the apiserver's authorizer learns of them a moment after they were stored.
        """
        kind = "ClusterRole" if everywhere else "Role"
        where = "" if everywhere else f"/namespaces/{namespace or self.namespace}"
        name = f"{account.name}-{uuid4().hex[:4]}"
        collection = f"{_RBAC}{where}/{kind.lower()}"
        await self._post(f"{collection}s", {"metadata": {"name": name}, "rules": list(rules)})
        subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
        role = {"apiGroup": _GROUP, "kind": kind, "name": name}
        binding = {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
        await self._post(f"{collection}bindings", binding)
        asked = "default" if everywhere else namespace or self.namespace
        await eventually_true(lambda: self._holds(account, rules[0], asked))
        return f"{collection}bindings/{name}"

    async def remove(self, account: Account) -> None:
        """Delete an account; its tokens are worth nothing from then on."""
        await self.delete(f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}")

    async def delete(self, path: str) -> None:
        """Delete what is at a path."""
        answer = await self.admin("DELETE", path)
        assert answer.status == 200, answer

    async def _holds(self, account: Account, rule: Mapping[str, Any], namespace: str) -> bool:
        """Tell whether the apiserver knows a rule: a role is known whole, or not at all."""
        resource, _, subresource = rule["resources"][0].partition("/")
        attributes = {
            "verb": rule["verbs"][0],
            "group": rule["apiGroups"][0],
            "resource": resource,
            "subresource": subresource,
            "namespace": namespace,
            "name": rule.get("resourceNames", [""])[0],
        }
        spec = {"user": account.username, "resourceAttributes": attributes}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        allowed: bool = (await self._post(path, {"spec": spec})).json["status"]["allowed"]
        return allowed

    async def _post(self, path: str, content: dict[str, Any]) -> Answer:
        answer = await self.admin("POST", path, msgspec.json.encode(content), JSON)
        assert answer.status == 201, answer
        return answer
