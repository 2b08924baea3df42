"""A release of which only the accounts and their rights are real, and the service that runs with them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp

from service.api import keys
from service.server import running
from service.settings import read_settings
from tests.callers import Caller
from tests.contract.conftest import Backend
from tests.faults.proxy import FaultProxy
from tests.upstream import write_kubeconfig
from tests.waiting import eventually_true

from .grants import Objects, bound_to, verbs_of, with_own_copies
from .helm import Helm, of_kind

# What the chart is rendered for, to be replaced by a name of its own each time.
PLACEHOLDER = "release-namespace"
_JSON = {"Content-Type": "application/json"}
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_KINDS = ("ServiceAccount", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")
_CALLER = "caller"


class Served(NamedTuple):
    """The service of a release.

    Attributes:
        api: a caller of it.
        proxy: what it speaks to the apiserver through.
    """

    api: Caller
    proxy: FaultProxy


@dataclass(frozen=True, slots=True)
class Release:
    """A release.

    Attributes:
        admin: speaks to the apiserver itself, and may do everything.
        backend: the apiserver.
        namespace: where it is.
        objects: what the chart rendered.
    """

    admin: Caller
    backend: Backend
    namespace: str
    objects: Objects

    @property
    def arguments(self) -> list[str]:
        """What the service is started with."""
        (deployment,) = of_kind(self.objects, "Deployment")
        arguments: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        return arguments

    @asynccontextmanager
    async def served(self, session: aiohttp.ClientSession, directory: Path) -> AsyncIterator[Served]:
        """Run the service with the arguments and the account of the release."""
        token = await self.token("job-api")
        async with FaultProxy(self.backend.server, str(self.backend.ca_file)) as proxy:
            kubeconfig = write_kubeconfig(directory / f"{self.namespace}.kubeconfig", proxy.url, token=token)
            settings = read_settings([*self.arguments, "--listen=127.0.0.1:0", f"--kubeconfig={kubeconfig}"], {})
            async with running(settings) as (app, url):
                if app[keys.LIVE_JOBS].enabled:
                    for each in settings.namespaces or [None]:
                        await app[keys.LIVE_JOBS].scope_of(each).cache.settled.wait()
                yield Served(Caller(session, url, {"Authorization": f"Bearer {await self.token(_CALLER)}"}), proxy)

    async def install(self, caller_role: str) -> None:
        """Make the accounts and what they may do, and return when the apiserver knows it.

        Args:
            caller_role: `view` or `edit`: what a caller may do, in all namespaces.
        """
        await self._post("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        for each in [*of_kind(self.objects, *_KINDS), *self._caller(caller_role)]:
            await self._post(self._collection(each), each)
        roles = [
            *((_CALLER, role) for role in bound_to([*self.objects, *self._caller(caller_role)], _CALLER)),
            *(("job-api", role) for role in bound_to(self.objects, "job-api")),
        ]
        await asyncio.gather(*(self._known(account, role) for account, role in roles))

    async def uninstall(self) -> None:
        """Delete what was made."""
        for each in [*of_kind(self.objects, *_KINDS), *self._caller("view")]:
            if each["kind"] != "ServiceAccount":
                answer = await self.admin("DELETE", f"{self._collection(each)}/{each['metadata']['name']}")
                assert answer.status == 200, answer
        await self.admin("DELETE", f"/api/v1/namespaces/{self.namespace}")

    async def token(self, account: str) -> str:
        """Return a token of an account of the release."""
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
        token: str = (await self._post(path, {"spec": {}}))["status"]["token"]
        return token

    def _caller(self, role: str) -> Objects:
        subject = {"kind": "ServiceAccount", "name": _CALLER, "namespace": self.namespace}
        return [
            {"kind": "ServiceAccount", "metadata": {"name": _CALLER, "namespace": self.namespace}},
            {
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"{self.namespace}:{_CALLER}"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": f"{self.namespace}:job-api:{role}",
                },
                "subjects": [subject],
            },
        ]

    async def _known(self, account: str, role: dict[str, Any]) -> None:
        """Return when the apiserver allows an account everything that a role does."""
        user = f"system:serviceaccount:{self.namespace}:{account}"
        for verb in verbs_of([role]):
            resource, _, subresource = verb.resource.partition("/")
            wanted = {"verb": verb.verb, "group": verb.group, "resource": resource, "subresource": subresource}
            review = {"spec": {"user": user, "resourceAttributes": {**wanted, "namespace": verb.namespace}}}
            path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

            async def allowed(path: str = path, review: dict[str, Any] = review) -> bool:
                return bool((await self._post(path, review))["status"]["allowed"])

            await eventually_true(allowed)

    async def _post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        answer = await self.admin("POST", path, json.dumps(content).encode(), _JSON)
        assert answer.status == 201, answer
        created: dict[str, Any] = answer.json
        return created

    def _collection(self, each: dict[str, Any]) -> str:
        namespace = each["metadata"].get("namespace")
        where = f"/namespaces/{namespace}" if namespace else ""
        return f"{'/api/v1' if each['kind'] == 'ServiceAccount' else _RBAC}{where}/{each['kind'].lower()}s"


async def rendered(helm: Helm, admin: Caller, values: Mapping[str, Any]) -> Objects:
    """Return the chart's objects, with copies of the cluster's own roles that they bind."""
    objects = helm.rendered(values, "--skip-tests", namespace=PLACEHOLDER)
    answer = await admin("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth-delegator")
    return with_own_copies(objects, [{"apiVersion": "rbac.authorization.k8s.io/v1", **answer.json}])


def release_of(objects: Objects, admin: Caller, backend: Backend) -> Release:
    """Return a release of objects that were rendered for the placeholder, in a namespace of its own."""
    namespace = f"release-{uuid4().hex[:12]}"
    own = json.loads(json.dumps(objects).replace(PLACEHOLDER, namespace))
    return Release(admin, backend, namespace, own)
