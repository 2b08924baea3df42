"""Creates with an idempotency key over networks that lose one answer in ten, on both sides of the service."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.callers import Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs, job, jobs
from tests.faults.proxy import Fault, FaultProxy
from tests.processes import RunService

pytestmark = pytest.mark.cluster

_CALLERS = 20
_LOST_IN = 10
# Less than any answer with a Job has.
_SHORTEST_ANSWER = 1_000


async def test_a_lost_answer_to_a_create_tells_of_the_key_and_the_repetition_is_answered(
    impatient_api: Caller, proxy: FaultProxy, namespace: str
) -> None:
    key = {"Idempotency-Key": "a-key"}
    for name, fault in (("cut", Fault(cut_after=0)), ("silent", Fault(stall_after=0))):
        proxy.fault = fault
        lost = await impatient_api("POST", jobs(namespace), suspended(name), key)
        message = assert_is_status(lost, 504, "Timeout")["message"]
        assert message.endswith("or send the same again with the same Idempotency-Key")
        proxy.fault = Fault()
        replayed = await impatient_api("POST", jobs(namespace), suspended(name), key)
        assert (replayed.status, replayed.headers["Location"]) == (200, job(namespace, name))


@pytest.mark.parametrize("limit", [0, 600], ids=["before the headers", "after the headers"])
async def test_a_job_that_cannot_be_read_is_no_conflict(
    impatient_api: Caller, proxy: FaultProxy, namespace: str, limit: int
) -> None:
    key = {"Idempotency-Key": "a-key"}
    assert (await impatient_api("POST", jobs(namespace), suspended("one"), key)).status == 201
    proxy.faults = itertools.chain((Fault(), Fault(cut_after=limit)), itertools.repeat(Fault()))
    refused = await impatient_api("POST", jobs(namespace), suspended("one"), key)
    assert_is_status(refused, 503, "ServiceUnavailable")
    assert refused.headers["Retry-After"] == "1"
    assert (await impatient_api("POST", jobs(namespace), suspended("one"), key)).status == 200


class LosingOneInTen(Iterator[Fault]):
    """The fault of each next answer: one in ten is cut or reset, before its first byte or in its middle.

    Attributes:
        lost: how many were.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311
        self.lost = 0

    def __next__(self) -> Fault:
        if self._chance.randrange(_LOST_IN):
            return Fault()
        self.lost += 1
        after = self._chance.choice((0, self._chance.randrange(_SHORTEST_ANSWER)))
        return self._chance.choice((Fault(cut_after=after), Fault(reset_after=after)))


@dataclass(slots=True)
class Callers:
    """Create Jobs at several replicas, each of them again and again until there is an answer that tells of the Job.

    Attributes:
        replicas: call one replica each.
        names: the names that were answered, by the number of the Job.
        answers: how often there was which status; 0 for an answer that was cut.
    """

    replicas: Sequence[Caller]
    names: dict[int, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)

    async def create_all(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            self.names[number] = await self._create(number)

    async def _create(self, number: int) -> str:
        manifest = suspended(named(number))
        if number % 2:
            manifest = manifest.replace(b"  name: ", b"  generateName: ")
        for replica in itertools.cycle(self.replicas):
            try:
                answer = await replica("POST", jobs("default"), manifest, {"Idempotency-Key": f"key-{number}"})
            except aiohttp.ClientError:
                self.answers[0] += 1
                continue
            self.answers[answer.status] += 1
            if answer.status in {200, 201}:
                return str(answer.json["metadata"]["name"])
            assert answer.status in {503, 504}, answer
        raise AssertionError("there is no replica")


def named(number: int) -> str:
    return f"job-{number}-"[: None if number % 2 else -1]


@pytest.fixture
async def replicas(
    own_control_plane: ControlPlane, run: RunService, http_client: aiohttp.ClientSession, tmp_path: Path
) -> AsyncIterator[tuple[list[Caller], list[LosingOneInTen]]]:
    """Return callers of two replicas, and what loses answers before each of them, and before the apiserver.

    The apiserver has no controllers: what they do with thousands of Jobs would only slow it down.
    """
    own_control_plane.stop_component("kube-controller-manager")
    plane = Backend(own_control_plane.server, own_control_plane.ca_file, own_control_plane.admin_token)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(FaultProxy(plane.server, str(plane.ca_file)))
        kubeconfig = plane.kubeconfig(tmp_path / "lossy.kubeconfig", upstream.url)
        networks, callers = [upstream], []
        for _ in range(2):
            service = await stack.enter_async_context(run(f"--kubeconfig={kubeconfig}", "--cache=false"))
            networks.append(await stack.enter_async_context(FaultProxy(await service.url())))
            callers.append(Caller(http_client, networks[-1].url, {}))
        losses = [LosingOneInTen(seed) for seed, _ in enumerate(networks)]
        for network, losing in zip(networks, losses, strict=True):
            network.faults = losing
        yield callers, losses


@pytest.mark.soak
async def test_creates_that_are_repeated_until_they_are_answered_make_one_job_each(
    replicas: tuple[list[Caller], list[LosingOneInTen]],
    own_control_plane: ControlPlane,
    http_client: aiohttp.ClientSession,
    figure: Figure,
    soaking: bool,
) -> None:
    count, began = 10_000 if soaking else 500, time.perf_counter()
    callers, numbers = Callers(replicas[0]), iter(range(count))
    async with asyncio.TaskGroup() as group:
        for _ in range(_CALLERS):
            group.create_task(callers.create_all(numbers))
    seconds = time.perf_counter() - began

    plane = Backend(own_control_plane.server, own_control_plane.ca_file, own_control_plane.admin_token)
    listed = await plane.caller(http_client)("GET", direct_jobs("default"))
    names = [item["metadata"]["name"] for item in listed.json["items"]]
    assert len(names) == len(callers.names) == count
    assert set(names) == set(callers.names.values())
    for number, name in callers.names.items():
        assert name.startswith(named(number))
        assert len(name) == len(named(number)) + (16 if number % 2 else 0)
    lost = [each.lost for each in replicas[1]]
    assert all(lost)
    assert callers.answers[200] > 0
    figure(
        f"{count} Jobs made by {callers.answers.total()} creates with an Idempotency-Key in {seconds:.1f} s: "
        f"{callers.answers[201]} answered 201, {callers.answers[200]} replayed, {callers.answers[504]} told 504, "
        f"{callers.answers[503]} told 503, {callers.answers[0]} cut; answers lost before the apiserver {lost[0]}, "
        f"before the service {sum(lost[1:])}"
    )
