"""A series of things that happen to Jobs, and what watches tell of it, on whichever apiserver."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

from service.sandbox.store import Object
from tests.callers import Caller
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs
from tests.contract.waiting import at_rest, job_when
from tests.sandbox.server_answers import comparable
from tests.sandbox.watching import Watch, watching
from tests.waiting import WATCHDOG_SECONDS

_YAML = {"Content-Type": "application/yaml"}
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_PARTIAL = _TABLE.replace("Table", "PartialObjectMetadata")
_STREAMING_LIST = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
_SELECTORS = {
    "everything": "",
    "one label": f"labelSelector={quote('group=a', safe='')}",
    "not this label": f"labelSelector={quote('group!=a', safe='')}",
    "one name": f"fieldSelector={quote('metadata.name=one', safe='')}",
    "without success": f"fieldSelector={quote('status.successful=0', safe='')}",
    "with success": f"fieldSelector={quote('status.successful=1', safe='')}",
    "not without success": f"fieldSelector={quote('status.successful!=0', safe='')}",
    "label and success": f"labelSelector=group&fieldSelector={quote('status.successful=1', safe='')}",
    "another namespace": f"fieldSelector={quote('metadata.namespace=other', safe='')}",
}
_FORMS: Mapping[str, Mapping[str, str]] = {"Table": {"Accept": _TABLE}, "metadata": {"Accept": _PARTIAL}}
_RUNNING = suspended("run", "{group: a}").replace(b"suspend: true", b"suspend: false")
_RUNNING = _RUNNING.replace(b"image: busybox", b"image: busybox, command: [sh, -c, sleep 3]")
_RUNNING = _RUNNING.replace(
    b"  template:\n", b'  template:\n    metadata: {annotations: {job-api.test/run-seconds: "3"}}\n'
)


async def told_by_watches(caller: Caller, namespace: str) -> dict[str, list[Any]]:
    """Have the series happen, and return what each watch told of it, without what cannot be equal.

    Each is watched while it happens and again when it has happened; both must be the same.
    """
    jobs = direct_jobs(namespace)
    before = (await caller("GET", jobs)).json["metadata"]["resourceVersion"]
    since = f"resourceVersion={before}"
    asked: dict[str, tuple[str, Mapping[str, str]]] = {
        **{name: (f"{since}&{selector}", {}) for name, selector in _SELECTORS.items()},
        **{name: (since, headers) for name, headers in _FORMS.items()},
    }
    async with AsyncExitStack() as stack:
        live = {
            name: await stack.enter_async_context(watching(caller, jobs, query, headers))
            for name, (query, headers) in asked.items()
        }
        present = await _happen(caller, namespace)
        found = {}
        for name, (query, headers) in asked.items():
            async with watching(caller, jobs, f"{query}&timeoutSeconds=1", headers) as again:
                found[name] = await again.rest()
            at_once = await live[name].events(len(found[name]))
            assert _comparable(at_once) == _comparable(found[name]), name
    return {name: _comparable(events) for name, events in {**found, **present}.items()}


async def _happen(caller: Caller, namespace: str) -> dict[str, list[Object]]:
    """Have the series happen, and return the initial events of watches in its midst."""
    for name, manifest in (("two", "{group: b}"), ("one", "{group: a}")):
        await _create(caller, namespace, suspended(name, manifest))
        await at_rest(caller, namespace, name)
    await _create(caller, namespace, _RUNNING)
    await job_when(caller, namespace, "run", _is_complete)
    present = {
        f"{what}, {name}": await _initial(caller, namespace, query, headers)
        for what, query in (("unset", "allowWatchBookmarks=true"), ("streaming list", _STREAMING_LIST))
        for name, headers in (("whole", {}), *_FORMS.items())
    }
    for name, policy in (("one", "Background"), ("two", "Foreground"), ("run", "Orphan")):
        await caller("DELETE", f"{direct_job(namespace, name)}?propagationPolicy={policy}")
        await _gone(caller, namespace, name)
    return present


async def _create(caller: Caller, namespace: str, manifest: bytes) -> None:
    assert (await caller("POST", direct_jobs(namespace), manifest, _YAML)).status == 201


async def _gone(caller: Caller, namespace: str, name: str) -> None:
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while (await caller("GET", direct_job(namespace, name))).status != 404:
            await asyncio.sleep(0.1)


async def _initial(caller: Caller, namespace: str, query: str, headers: Mapping[str, str]) -> list[Object]:
    async with watching(caller, direct_jobs(namespace), query, headers) as watch:
        return await _up_to_bookmark(watch)


async def _up_to_bookmark(watch: Watch) -> list[Object]:
    events = [await watch.event()]
    while events[-1]["type"] != "BOOKMARK":
        events.append(await watch.event())
    return events


def _is_complete(job: Object) -> bool:
    return any(each["type"] == "Complete" for each in job.get("status", {}).get("conditions", ()))


def _comparable(events: Sequence[Object]) -> list[Any]:
    """Return events without what cannot be equal; of the resourceVersions the order is left."""
    versions = sorted({int(_version(event)) for event in events})
    return [[versions.index(int(_version(event))), comparable(event)] for event in events]


def _version(event: Object) -> str:
    version: str = event["object"]["metadata"]["resourceVersion"]
    return version
