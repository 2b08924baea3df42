"""The sandbox serves the logs of its pods."""

import asyncio
import re

import aiohttp
import msgspec
from yarl import URL

from service.sandbox.server import running
from tests.callers import Caller, assert_is_status
from tests.contract.paths import direct_jobs
from tests.sandbox import log_answers, log_table
from tests.sandbox.server_answers import differences, recorded
from tests.waiting import WATCHDOG_SECONDS, eventually

PODS = "/api/v1/namespaces/default/pods"


async def running_pod(sandbox: Caller, script: str) -> str:
    """Make a Job and return the path of its pod once that runs."""
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    body = msgspec.json.encode({"metadata": {"name": "job"}, "spec": spec})
    await sandbox("POST", direct_jobs("default"), body, {"Content-Type": "application/json"})
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while not (found := (await sandbox("GET", f"{PODS}?fieldSelector=status.phase%3DRunning")).json["items"]):
            await asyncio.sleep(0.01)
    return f"{PODS}/{found[0]['metadata']['name']}"


async def follow(sandbox: Caller, pod: str, query: str = "") -> aiohttp.ClientResponse:
    return await sandbox.session.get(URL(f"{sandbox.url}{pod}/log?follow=true{query}", encoded=True))


async def test_it_refuses_as_a_real_apiserver_did(http_client: aiohttp.ClientSession) -> None:
    found = await log_answers.of_the_sandbox(http_client)
    assert not differences(recorded(log_answers.RECORD), found, log_table.REQUESTS)


async def test_a_log_is_followed_until_its_pod_goes(sandbox: Caller) -> None:
    pod = await running_pod(sandbox, "echo a; sleep 0.2; echo b; sleep infinity")
    async with await follow(sandbox, pod) as response, asyncio.timeout(WATCHDOG_SECONDS):
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain"
        assert [await response.content.readline() for _ in range(2)] == [b"a\n", b"b\n"]
        assert (await sandbox("GET", f"{pod}/log")).body == b"a\nb\n"
        await sandbox("DELETE", pod)
        assert await response.content.read() == b""
    assert (await sandbox("GET", f"{pod}/log")).status == 404


async def test_a_caller_says_which_part_of_a_log(sandbox: Caller) -> None:
    pod = await running_pod(sandbox, "echo a; echo b; echo c; sleep infinity")

    async def log(query: str) -> bytes:
        answer = await sandbox("GET", f"{pod}/log?{query}")
        assert answer.status == 200, answer
        return answer.body

    assert await log("tailLines=2&limitBytes=3") == b"b\nc"
    assert await log("follow=true&limitBytes=2&container=main") == b"a\n"
    assert await log("sinceSeconds=3600") == await log("sinceTime=") == b"a\nb\nc\n"
    assert await log("sinceTime=2999-01-01T00:00:00Z") == b""
    assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z c\n", await log("timestamps&tailLines=1"))
    status = assert_is_status(await sandbox("GET", f"{pod}/log?previous=true"), 400, "BadRequest")
    name = pod.rpartition("/")[2]
    assert status["message"] == f'previous terminated container "main" in pod "{name}" not found'


async def test_followers_who_hang_up_are_forgotten(sandbox: Caller) -> None:
    pod = await running_pod(sandbox, "sleep infinity")
    before = len(asyncio.all_tasks())
    followers = [await follow(sandbox, pod) for _ in range(20)]
    assert len(asyncio.all_tasks()) > before
    for response in followers:
        response.close()
    await eventually(lambda: len(asyncio.all_tasks()) <= before)


async def test_who_follows_does_not_keep_the_sandbox_from_ending(http_client: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(WATCHDOG_SECONDS):
        async with running() as url:
            sandbox = Caller(http_client, url, {})
            response = await follow(sandbox, await running_pod(sandbox, "echo a; sleep infinity"))
        async with response:
            assert await response.content.read() == b"a\n"
