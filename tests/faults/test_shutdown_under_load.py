"""SIGTERM while calls go on: what the service has read it answers, and it ends by itself."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import aiohttp
import pytest

from tests.callers import Answer, Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, job, jobs
from tests.processes import RunService
from tests.waiting import WATCHDOG_SECONDS, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

# No test waits for its end: a second SIGTERM ends it.
GRACE = "--shutdown-grace-seconds=3600"


@dataclass(slots=True)
class Persistent:
    """One who creates Jobs and reads them until the service cannot be connected to.

    Attributes:
        keeps: whether its connection is kept from call to call, as long as the service keeps it.
        name: the beginning of its Jobs' names and of its request ids.
        answers: what each call was answered with, by its request id.
        lost: the request ids of those that got no answer on a connection that there was.
    """

    keeps: bool
    name: str
    answers: dict[str, Answer] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    async def call(self, url: str, namespace: str) -> None:
        """Call until nobody listens."""
        connector = aiohttp.TCPConnector(limit=1, force_close=not self.keeps)
        deadline = aiohttp.ClientTimeout(total=WATCHDOG_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=deadline) as session:
            session._retry_connection = False
            api = Caller(session, url, {})
            for number in count():
                name = f"{self.name}-{number}"
                try:
                    await self._call(api, "POST", jobs(namespace), f"{name}.post", suspended(name))
                    await self._call(api, "GET", job(namespace, name), f"{name}.get")
                except aiohttp.ClientConnectorError:
                    return

    async def _call(self, api: Caller, method: str, path: str, request_id: str, body: bytes | None = None) -> None:
        try:
            self.answers[request_id] = await api(method, path, body, {"X-Request-Id": request_id})
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientError, OSError):
            self.lost.append(request_id)


@asynccontextmanager
async def calling(url: str, namespace: str, number: int) -> AsyncIterator[list[Persistent]]:
    """Let callers go on calling, half of them on connections that are kept, and wait until all have ended."""
    callers = [Persistent(bool(each % 2), f"caller-{each}") for each in range(number)]
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.call(url, namespace))
        yield callers


async def until_unready(api: Caller) -> None:
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while (await api("GET", "/readyz")).status == 200:
            await asyncio.sleep(0.01)


async def test_no_call_that_was_read_fails_when_the_service_is_told_to_end(
    control_plane: ControlPlane,
    direct: Caller,
    namespace: str,
    run: RunService,
    http_client: aiohttp.ClientSession,
    figure: Figure,
) -> None:
    kubeconfig = f"--kubeconfig={control_plane.kubeconfig}"
    async with run(kubeconfig, GRACE) as service:
        url = await service.url()
        api = Caller(http_client, url, {})
        async with calling(url, namespace, 16) as callers:

            async def go_on() -> None:
                before = [len(caller.answers) for caller in callers]
                await eventually(
                    lambda: all(len(each.answers) >= n + 4 for each, n in zip(callers, before, strict=True))
                )

            await go_on()
            watch = await http_client.get(f"{url}{jobs(namespace)}?watch=true")
            wait = asyncio.create_task(api("GET", job(namespace, "caller-0-0") + "/wait?timeoutSeconds=3600"))
            await go_on()
            service.signal(signal.SIGTERM)
            await until_unready(api)
            await go_on()
            assert not [each for caller in callers for each in caller.lost], "the grace is not over yet"
            service.signal(signal.SIGTERM)
            assert await service.code() == 0
        assert b'"type":"ADDED"' in await watch.read(), "and it was not cut, or this would raise"
        assert_is_status(await wait, 503, "ServiceUnavailable")
        read = {line["request_id"]: line for line in service.events("request")}
    answers = {id_: answer for caller in callers for id_, answer in caller.answers.items()}
    lost = [id_ for caller in callers for id_ in caller.lost]
    assert {answer.status for id_, answer in answers.items() if id_.endswith(".post")} == {201}
    assert {answer.status for id_, answer in answers.items() if id_.endswith(".get")} <= {200, 404}
    assert not set(lost) & set(read), "the service has read a call, and not answered it"
    listed = (await direct("GET", direct_jobs(namespace))).json["items"]
    there = {item["metadata"]["name"] for item in listed}
    assert {id_.removesuffix(".post") for id_ in answers if id_.endswith(".post")} <= there
    assert service.lines[-1]["event"] == "ended"
    assert not service.events("a bug")
    figure(f"{len(answers)} calls answered, {len(lost)} of the last on connections that were never accepted")
