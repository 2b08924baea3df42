"""The service's account may do what it takes and nothing else: without any one verb, some call fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.callers import Caller
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.contract.manifests import ending
from tests.contract.paths import direct_job, direct_jobs
from tests.waiting import eventually_true

from .calls import DONE, calls_everywhere, calls_in, passes
from .grants import ROLES, Objects, bound_to, verbs_of, without
from .helm import Helm, of_kind
from .release import Release, release_of, rendered

pytestmark = pytest.mark.deploy

# Each runs a service; there are as many processors as not to be slowed down by more.
AT_A_TIME = 3


class Scope(NamedTuple):
    """What a release is called for.

    Attributes:
        namespaces: those that calls are about.
        everywhere: whether it serves all.
        cached: whether it has a cache.
    """

    namespaces: Sequence[str]
    everywhere: bool
    cached: bool


class Trial:
    """Makes releases and calls them."""

    def __init__(self, admin: Caller, backend: Backend, directory: Path, scope: Scope) -> None:
        self._admin = admin
        self._backend = backend
        self._directory = directory
        self._scope = scope
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def failing(self, objects: Objects, caller_role: str = "edit") -> set[str]:
        """Return the calls that fail in a release of these objects."""
        async with self._turns:
            release = release_of(objects, self._admin, self._backend)
            await release.install(caller_role)
            try:
                return await self._called(release)
            finally:
                await release.uninstall()

    async def failing_without_each(self, objects: Objects, roles: Objects) -> Mapping[str, set[str]]:
        """Return which calls fail without which verb of the roles."""
        verbs = list(verbs_of(roles))
        found = await asyncio.gather(*(self.failing(without(objects, verb)) for verb in verbs))
        return {str(verb): failing for verb, failing in zip(verbs, found, strict=True)}

    async def _called(self, release: Release) -> set[str]:
        async with release.served(self._admin.session, self._directory) as (api, proxy):
            calls = dict(calls_everywhere(api)) if self._scope.everywhere else {}
            for each in self._scope.namespaces:
                found = calls_in(each, api, self._admin, proxy, cached=self._scope.cached)
                behind = f" in {each}" if len(self._scope.namespaces) > 1 else ""
                calls |= {f"{name}{behind}": call for name, call in found.items()}
            passed = await asyncio.gather(*map(passes, calls.values()))
            return {name for name, good in zip(calls, passed, strict=True) if not good}


@pytest.fixture
async def job_namespaces(direct: Caller) -> AsyncIterator[tuple[str, str]]:
    """Return two namespaces with a Job that has come to its end."""
    names = f"jobs-a-{uuid4().hex[:8]}", f"jobs-b-{uuid4().hex[:8]}"
    as_json = {"Content-Type": "application/json"}
    for name in names:
        made = await direct("POST", "/api/v1/namespaces", b'{"metadata":{"name":"%s"}}' % name.encode(), as_json)
        assert made.status == 201, made
        made = await direct("POST", direct_jobs(name), ending(DONE), as_json)
        assert made.status == 201, made

    async def done(name: str) -> bool:
        return b'"Complete"' in (await direct("GET", direct_job(name, DONE))).body

    for name in names:
        await eventually_true(partial(done, name))
    yield names
    for name in names:
        await direct("DELETE", f"/api/v1/namespaces/{name}")


def tell(figure: Figure, title: str, found: Mapping[str, set[str]], namespaces: Sequence[str]) -> None:
    """Print which call fails without which verb."""
    lines = [f"{title}:"]
    lines += [
        f"  without {verb}: {', '.join(sorted(failing)) or 'nothing fails'}" for verb, failing in found.items()
    ]
    text = "\n".join(lines)
    for name, short in zip(namespaces, "ab", strict=True):
        text = text.replace(name, short)
    figure(text)


async def test_in_mode_delegated(
    helm: Helm,
    direct: Caller,
    backend: Backend,
    job_namespaces: tuple[str, str],
    tmp_path: Path,
    figure: Figure,
) -> None:
    objects = await rendered(helm, direct, {})
    trial = Trial(direct, backend, tmp_path, Scope(job_namespaces[:1], everywhere=True, cached=True))
    assert await trial.failing(objects) == set()
    found = await trial.failing_without_each(objects, bound_to(objects, "job-api"))
    tell(figure, "delegated", found, job_namespaces)
    assert len(found) == 5 + 2 + 1 + 1 + 2
    assert all(found.values()), found


async def test_in_mode_delegated_for_some_namespaces(
    helm: Helm,
    direct: Caller,
    backend: Backend,
    job_namespaces: tuple[str, str],
    tmp_path: Path,
    figure: Figure,
) -> None:
    objects = await rendered(helm, direct, {"rbac": {"namespaces": list(job_namespaces)}})
    trial = Trial(direct, backend, tmp_path, Scope(job_namespaces, everywhere=False, cached=True))
    assert await trial.failing(objects) == set()
    found = await trial.failing_without_each(objects, bound_to(objects, "job-api"))
    tell(figure, "delegated, rbac.namespaces", found, job_namespaces)
    assert len(found) == 2 * (5 + 2 + 1 + 1) + 2
    assert all(found.values()), found
    for verb, failing in found.items():
        there, elsewhere = job_namespaces if verb.endswith(job_namespaces[0]) else job_namespaces[::-1]
        if verb.endswith(there):
            assert not [call for call in failing if call.endswith(elsewhere)], verb


async def test_in_mode_passthrough_it_may_do_nothing(
    helm: Helm, direct: Caller, backend: Backend, job_namespaces: tuple[str, str], tmp_path: Path
) -> None:
    objects = await rendered(helm, direct, {"settings": {"authMode": "passthrough"}})
    assert not bound_to(objects, "job-api")
    assert not of_kind(objects, "RoleBinding", "ClusterRoleBinding")
    trial = Trial(direct, backend, tmp_path, Scope(job_namespaces, everywhere=True, cached=False))
    assert await trial.failing(objects) == set()


@pytest.mark.parametrize("everywhere", [True, False], ids=["all namespaces", "some"])
async def test_in_mode_passthrough_its_cache_takes_two_verbs(
    helm: Helm,
    direct: Caller,
    backend: Backend,
    job_namespaces: tuple[str, str],
    tmp_path: Path,
    figure: Figure,
    everywhere: bool,
) -> None:
    namespaces = [] if everywhere else list(job_namespaces)
    values = {"settings": {"authMode": "passthrough", "cache": True}, "rbac": {"namespaces": namespaces}}
    objects = await rendered(helm, direct, values)
    trial = Trial(direct, backend, tmp_path, Scope(job_namespaces, everywhere=everywhere, cached=True))
    assert await trial.failing(objects) == set()
    found = await trial.failing_without_each(objects, bound_to(objects, "job-api"))
    tell(figure, f"passthrough, cache{'' if everywhere else ', rbac.namespaces'}", found, job_namespaces)
    assert len(found) == (2 if everywhere else 4)
    assert all(found.values()), found


async def test_callers_with_the_charts_roles_may_do_what_these_say_and_need_it_all(
    helm: Helm,
    direct: Caller,
    backend: Backend,
    job_namespaces: tuple[str, str],
    tmp_path: Path,
    figure: Figure,
) -> None:
    objects = await rendered(helm, direct, {})
    trial = Trial(direct, backend, tmp_path, Scope(job_namespaces[:1], everywhere=True, cached=True))
    assert await trial.failing(objects, "view") == {"create", "delete"}
    edit = [each for each in of_kind(objects, *ROLES) if each["metadata"]["name"].endswith(":edit")]
    found = await trial.failing_without_each(objects, edit)
    tell(figure, "callers (edit)", found, job_namespaces)
    assert len(found) == 5 + 2 + 1 + 1
    assert all(found.values()), found
