"""A Job's pods and events, of namespaces that no test fills on a real apiserver."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import msgspec
import pytest

from tests.api.paged import OWNER, UID, Paged, event, job, pod
from tests.callers import Caller, assert_is_status
from tests.conftest import StartService
from tests.upstream import Received, Upstream, http

JOB = "/api/v1/_raw/job/namespace/default/name/one"
Front: TypeAlias = Callable[..., Any]


@pytest.fixture
def before(tmp_path: Path, start_service: StartService, http_client: aiohttp.ClientSession) -> Front:
    """Return what starts the service before an upstream of the test's own."""

    @asynccontextmanager
    async def start(answer: Any) -> AsyncIterator[Caller]:
        async with Upstream(answer) as upstream:
            yield Caller(http_client, await start_service(kubeconfig=upstream.kubeconfig(tmp_path)), {})

    return start


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [each["message"] for each in events]


async def test_hundreds_of_pods_in_a_busy_namespace_take_a_bounded_number_of_calls(before: Front) -> None:
    pods = [pod(f"one-{number}", f"pod-{number}") for number in range(700)]
    others = [event("Pod", f"two-{number}", f"other-{number}", "another's") for number in range(900)]
    own = [event("Pod", f"one-{number}", f"pod-{number}", f"of {number}") for number in range(700)]
    paged = Paged(
        pods=pods, events=[each for pair in zip(others, own, strict=False) for each in pair] + others[700:]
    )
    async with before(paged.answer) as api:
        answer = await api("GET", f"{JOB}/event")
    assert answer.json["metadata"] == {"resourceVersion": "7"}
    assert messages(answer.json["items"]) == [f"of {number}" for number in range(700)]
    assert paged.asked == ["one", "pods", "pods", "events", "events", "events", "events"]
    assert answer.body.endswith(msgspec.json.encode(own[-1]) + b"]}\n")


async def test_events_of_pods_that_are_gone_count_where_the_jobs_own_events_name_them(before: Front) -> None:
    # As the apiserver lists them, by their names, a pod's come before those of its Job.
    events = [
        event("Pod", "one-gone", "gone", "made and gone"),
        event("Pod", "one-late", "late", "deleted"),
        event("Pod", "one-many", "many", "one of many"),
        event("Pod", "one-more", "x", "of another Job"),
        event("Pod", "one-present", "older", "of an earlier pod of this name"),
        event("Pod", "one-present", "", "evicted by one who tells no uid"),
        event("Pod", "one-present", "present", "present"),
        event("Pod", "two-named", "named", "named by another Job"),
        event("Node", "one-gone", "gone-too", "no pod"),
        event("Job", "one", UID, "Created pod: one-gone"),
        event("Job", "one", UID, "Created pod: one-present"),
        event("Job", "one", UID, "Deleted pod: one-late", reason="SuccessfulDelete"),
        event("Job", "one", UID, "(combined from similar events): Created pod: one-many"),
        event("Job", "one", UID, "Created pod: one-more", reason="Other"),
        event("Job", "one", "earlier", "Created pod: one-more"),
        event("Job", "two", "two", "Created pod: two-named"),
    ]
    async with before(Paged(pods=[pod("one-present", "present")], events=events).answer) as api:
        found = messages((await api("GET", f"{JOB}/event")).json["items"])
    assert found == [
        "made and gone",
        "deleted",
        "one of many",
        "evicted by one who tells no uid",
        "present",
        "Created pod: one-gone",
        "Created pod: one-present",
        "Deleted pod: one-late",
        "(combined from similar events): Created pod: one-many",
        "Created pod: one-more",
    ]


async def test_pods_of_others_do_not_count_however_alike_their_names(
    before: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.kube.events._MOST_BYTES", 2_000)
    others = [event("Pod", f"one-more-{number}-x7k2p", str(number), "another's") for number in range(100)]
    indexed = event("Pod", "one-12-x7k2p", "1", "of index 12")
    named = event("Job", "one", UID, "Created pod: one-12-x7k2p")
    async with before(Paged(events=[*others, indexed, named]).answer) as api:
        found = messages((await api("GET", f"{JOB}/event")).json["items"])
    assert found == ["of index 12", "Created pod: one-12-x7k2p"]


async def test_a_long_name_of_a_job_is_not_all_of_it_in_its_pods_names(before: Front) -> None:
    name = "a-name-as-long-as-any-that-an-indexed-job-of-many-pods-may-have"
    shortened = f"{name[:50]}-12345-x7k2p"
    raw = job()
    raw["metadata"]["name"] = name
    events = [event("Pod", shortened, "1", "of it"), event("Job", name, UID, f"Created pod: {shortened}")]
    async with before(Paged(raw, events=events).answer) as api:
        answer = await api("GET", f"{JOB.removesuffix('one')}{name}/event")
    assert len(answer.json["items"]) == 2


async def test_events_are_told_by_the_moment_that_is_most_precise_and_those_of_one_moment_as_listed(
    before: Front,
) -> None:
    def at(
        message: str, created: str | None, last: str | None = None, exactly: str | None = None
    ) -> dict[str, Any]:
        metadata = {"creationTimestamp": created}
        return event("Job", "one", UID, message, metadata=metadata, lastTimestamp=last, eventTime=exactly)

    events = [
        at("5", "2026-01-01T00:00:01Z", "2026-01-01T00:00:09Z", "2026-01-01T00:00:03.500000Z"),
        at("4", "2026-01-01T00:00:09Z", "2026-01-01T00:00:03Z"),
        at("6", "2026-01-01T00:00:04Z"),
        at("3", "2026-01-01T00:00:09Z", exactly="2026-01-01T00:00:02.999999Z"),
        at("2", "2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z"),
        at("7", "2026-01-01T00:00:04Z"),
        at("1", None),
        {"involvedObject": {"uid": UID}, "metadata": {"creationTimestamp": "2026-01-01T00:00:05Z"}, "message": "8"},
    ]
    async with before(Paged(events=events).answer) as api:
        found = messages((await api("GET", f"{JOB}/event")).json["items"])
    assert found == ["1", "2", "3", "4", "5", "6", "7", "8"]


async def test_pages_that_come_too_late_are_begun_anew_and_at_last_relayed(before: Front) -> None:
    paged = Paged(events=[event("Job", "one", UID, str(number)) for number in range(501)], expiring=2)
    async with before(paged.answer) as api:
        answer = await api("GET", f"{JOB}/event")
        assert messages(answer.json["items"]) == [str(number) for number in range(501)]
        assert paged.asked == ["one", "pods", *["events"] * 6]
        paged.expiring = 1000
        assert (await api("GET", f"{JOB}/event")).status == 410


async def test_more_events_than_can_be_held_are_refused(before: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.kube.events._MOST_BYTES", 10_000)
    async with before(Paged(events=[event("Job", "one", UID, "x" * 1000)] * 20).answer) as api:
        refused = assert_is_status(await api("GET", f"{JOB}/event"), 503, "ServiceUnavailable")
    assert "10000 bytes" in refused["message"]


async def test_a_pod_of_a_manual_selector_keeps_its_bytes_and_the_list_its_metadata(before: Front) -> None:
    foreign = pod("two", "2", {"uid": "other", "controller": True})
    unowned = pod("three", "3", {**OWNER, "controller": False})
    paged = Paged(job(manual=True), pods=[pod("one", "1"), foreign, unowned, pod("four", "4")])
    async with before(paged.answer) as api:
        first = await api("GET", f"{JOB}/pod?limit=3")
        rest = await api("GET", f"{JOB}/pod?limit=3&continue=3")
    metadata = b'"metadata":{"resourceVersion":"7","continue":"3"}'
    items = msgspec.json.encode(pod("one", "1"))
    assert first.body == b'{"kind":"PodList","apiVersion":"v1",%s,"items":[%s]}\n' % (metadata, items)
    assert [each["metadata"]["name"] for each in rest.json["items"]] == ["four"]


async def test_more_pods_of_a_manual_selector_than_can_be_held_are_to_be_asked_for_in_pages(
    before: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.pods._HELD_BYTES", 5_000)
    pods = [pod(f"one-{number}", str(number)) for number in range(100)]
    async with before(Paged(job(manual=True), pods).answer) as api:
        refused = assert_is_status(await api("GET", f"{JOB}/pod"), 400, "BadRequest")
        assert (await api("GET", f"{JOB}/pod?limit=10")).status == 200
    assert "'limit'" in refused["message"]


@pytest.mark.parametrize("part", ["one", "pods", "events"])
async def test_an_answer_that_breaks_off_or_is_nonsense_is_503_before_ours_has_begun(
    before: Front, part: str
) -> None:
    paged = Paged(job(manual=True), pods=[pod("one", "1")])
    for broken in (http(200, b'{"metadata":', {"Content-Length": "9999"}, length=False), http(200, b"nonsense")):

        async def answer(request: Received, broken: bytes = broken) -> Any:
            async def cut() -> AsyncIterator[bytes]:
                yield broken

            return cut() if request.target.partition("?")[0].endswith(f"/{part}") else await paged.answer(request)

        async with before(answer) as api:
            for path in ("pod", "event") if part != "events" else ("event",):
                assert_is_status(await api("GET", f"{JOB}/{path}"), 503, "ServiceUnavailable")


async def test_a_pod_list_that_breaks_off_cuts_the_callers_connection(before: Front) -> None:
    paged = Paged()

    async def answer(request: Received) -> Any:
        async def cut() -> AsyncIterator[bytes]:
            yield http(200, b'{"kind":"PodList",', {"Content-Length": "9999999"}, length=False)

        return cut() if "/pods?" in request.target else await paged.answer(request)

    async with before(answer) as api:
        with pytest.raises(aiohttp.ClientError):
            await api("GET", f"{JOB}/pod")
