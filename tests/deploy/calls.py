"""One call of each kind that the contract has, and whether it does what it should."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from uuid import uuid4

import aiohttp

from tests.callers import Answer, Caller
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.faults.proxy import FaultProxy
from tests.waiting import eventually

# A Job that has come to its end in every namespace that calls are about.
DONE = "done"
Call: TypeAlias = Callable[[], Awaitable[bool]]


async def passes(call: Call) -> bool:
    """Make a call, and tell whether it did what it should."""
    try:
        return await call()
    except aiohttp.ClientError:
        return False  # an answer was cut off


def calls_in(namespace: str, api: Caller, admin: Caller, proxy: FaultProxy, *, cached: bool) -> Mapping[str, Call]:
    """Return the calls that are about one namespace.

    Args:
        namespace: the namespace.
        api: the service, as its caller reaches it.
        admin: the apiserver itself, to make a Job whose log is followed.
        proxy: what the service speaks to it through.
        cached: whether the service has a cache.
    """

    def get(path: str, contains: bytes = b"") -> Call:
        async def call() -> bool:
            return _is_good(await api("GET", path), contains)

        return call

    async def create() -> bool:
        return (await api("POST", f"{jobs(namespace)}?dryRun=All", suspended("new"))).status == 201

    async def delete() -> bool:
        return _is_good(await api("DELETE", f"{job(namespace, DONE)}?dryRun=All"))

    async def follow() -> bool:
        return await _follows(namespace, api, admin, proxy)

    async def list_from_cache() -> bool:
        answer = await api("GET", f"{jobs(namespace)}?resourceVersion=0")
        return _is_good(answer) and "hit" in answer.headers.get("Cache-Status", "")

    done = job(namespace, DONE)
    return {
        "get": get(done, b'"kind":"Job"'),
        "list": get(jobs(namespace), b'"kind":"JobList"'),
        "watch": get(f"{jobs(namespace)}?watch=true&timeoutSeconds=1", b'"ADDED"'),
        "create": create,
        "delete": delete,
        "wait": get(f"{done}/wait", b'"Complete"'),
        "pods": get(f"{done}/pod", b'"kind":"PodList"'),
        "events": get(f"{done}/event", b"SuccessfulCreate"),
        "log": get(f"{done}/log", b"220"),
        "follow": follow,
        **({"list from the cache": list_from_cache} if cached else {}),
    }


def calls_everywhere(api: Caller) -> Mapping[str, Call]:
    """Return the calls that are about all namespaces."""

    async def list_all() -> bool:
        return _is_good(await api("GET", "/api/v1/_raw/job"), b'"kind":"JobList"')

    async def watch_all() -> bool:
        return _is_good(await api("GET", "/api/v1/_raw/job?watch=true&timeoutSeconds=1"), b'"ADDED"')

    return {"list everywhere": list_all, "watch everywhere": watch_all}


def _is_good(answer: Answer, contains: bytes = b"") -> bool:
    return answer.status == 200 and contains in answer.body


async def _follows(namespace: str, api: Caller, admin: Caller, proxy: FaultProxy) -> bool:
    """Tell whether the log of a Job shows what a pod writes that is made only once the pods are watched.

    Where they may not be, the Job stays without any, and only a refusal can end the answer.
    """
    name = f"followed-{uuid4().hex[:8]}"
    made = await admin("POST", direct_jobs(namespace), suspended(name), {"Content-Type": "application/yaml"})
    assert made.status == 201, made
    uid = made.json["metadata"]["uid"].encode()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(_first_line(api, f"{job(namespace, name)}/log?follow=true"))
        await eventually(lambda: following.done() or _are_pods_watched(proxy, uid))
        if not following.done():
            resumed = b'{"spec":{"suspend":false}}'
            as_merge = {"Content-Type": "application/merge-patch+json"}
            assert (await admin("PATCH", direct_job(namespace, name), resumed, as_merge)).status == 200
    return b"220" in following.result()


async def _first_line(api: Caller, path: str) -> bytes:
    """Return the first line of an answer, and hang up: the fake node's logs need not end with their containers."""
    async with api.session.get(api.url + path, headers=api.headers) as answer:
        return await answer.content.readline() if answer.status == 200 else b""


def _are_pods_watched(proxy: FaultProxy, job_uid: bytes) -> bool:
    """Tell whether the apiserver has granted the service a watch of a Job's pods."""
    for each in proxy.connections:
        request = each.sent[each.sent.rfind(b"GET /") :].partition(b"\r\n")[0]
        answered = each.answered.count(b"HTTP/1.1 ") == each.sent.count(b" HTTP/1.1\r\n")
        if job_uid in request and b"watch=" in request and answered:
            return each.answered[each.answered.rfind(b"HTTP/1.1 ") :].startswith(b"HTTP/1.1 200")
    return False
