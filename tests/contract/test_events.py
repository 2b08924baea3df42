"""Section 1 of the contract: the events of a Job and of its pods."""

from collections.abc import Callable
from typing import Any

import msgspec

from tests.callers import Answer, Caller, assert_is_status
from tests.contract.manifests import ending, suspended
from tests.contract.paths import direct_job, direct_jobs, job
from tests.contract.waiting import job_when, pods_when
from tests.waiting import eventually_true

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}


class EventList(msgspec.Struct):
    items: list[msgspec.Raw]


def events(namespace: str, name: str) -> str:
    return f"{job(namespace, name)}/event"


def items_of(answer: Answer) -> list[bytes]:
    assert answer.status == 200, answer
    return [bytes(item) for item in msgspec.json.decode(answer.body, type=EventList).items]


def moment(event: dict[str, Any]) -> str:
    """Return what sorts as time does; all that the apiserver writes is UTC."""
    told: str = event["eventTime"] or event["lastTimestamp"] or event["metadata"]["creationTimestamp"]
    return told.removesuffix("Z") if "." in told else told.removesuffix("Z") + ".000000"


async def create(direct: Caller, namespace: str, manifest: bytes, headers: dict[str, str] = JSON) -> None:
    created = await direct("POST", direct_jobs(namespace), manifest, headers)
    assert created.status == 201, created


async def finished(direct: Caller, namespace: str, *manifests: bytes) -> None:
    for manifest in manifests:
        await create(direct, namespace, manifest)
    for manifest in manifests:
        name = msgspec.json.decode(manifest)["metadata"]["name"]
        await job_when(direct, namespace, name, lambda found: bool(found["status"].get("completionTime")))


async def events_when(
    api: Caller, direct: Caller, namespace: str, name: str, belongs: Callable[[dict[str, Any]], bool]
) -> Answer:
    """Return the events of a Job once they are those of the apiserver that belong to it, the last one told."""
    ours: list[Answer] = []

    async def same() -> bool:
        ours[:] = [await api("GET", events(namespace, name))]
        everything = items_of(await direct("GET", f"/api/v1/namespaces/{namespace}/events"))
        expected = [item for item in everything if belongs(msgspec.json.decode(item)["involvedObject"])]
        is_over = any(b'"reason":"Completed"' in item for item in items_of(ours[0]))
        return is_over and sorted(items_of(ours[0])) == sorted(expected)

    await eventually_true(same)
    return ours[0]


async def test_they_are_the_jobs_and_its_pods_each_as_the_apiserver_has_it_oldest_first(
    api: Caller, direct: Caller, namespace: str
) -> None:
    await finished(direct, namespace, ending("one", completions=2, parallelism=1), ending("one-more"))
    pods = (await direct("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=job-name%3Done")).json["items"]
    uids = {each["metadata"]["uid"] for each in pods}
    uids.add((await direct("GET", direct_job(namespace, "one"))).json["metadata"]["uid"])
    assert len(uids) == 3
    answer = await events_when(api, direct, namespace, "one", lambda about: about["uid"] in uids)
    told = answer.json
    assert (told["kind"], told["apiVersion"]) == ("EventList", "v1")
    assert int(told["metadata"]["resourceVersion"]) > 0
    assert {each["involvedObject"]["uid"] for each in told["items"]} == uids
    assert {"SuccessfulCreate", "Scheduled", "Completed"} <= {each["reason"] for each in told["items"]}
    moments = [moment(each) for each in told["items"]]
    assert moments == sorted(moments)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-cache, private"


async def test_those_of_pods_that_are_deleted_are_there_too(api: Caller, direct: Caller, namespace: str) -> None:
    await finished(direct, namespace, ending("one"), ending("two"))
    [pod] = (await direct("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=job-name%3Done")).json["items"]
    gone = pod["metadata"]["name"]
    path = f"/api/v1/namespaces/{namespace}/pods/{gone}?gracePeriodSeconds=0"
    assert (await direct("DELETE", path)).status == 200
    await pods_when(direct, namespace, lambda found: gone not in [each["metadata"]["name"] for each in found])
    answer = await events_when(api, direct, namespace, "one", lambda about: about["name"] in {"one", gone})
    assert {each["involvedObject"]["name"] for each in answer.json["items"]} == {"one", gone}


async def test_without_such_a_job_it_is_the_apiservers_404(api: Caller, direct: Caller, namespace: str) -> None:
    ours = await api("GET", events(namespace, "none"))
    assert ours.body == (await direct("GET", direct_job(namespace, "none"))).body
    assert_is_status(ours, 404, "NotFound")


async def test_they_are_json_only(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, suspended("one"), YAML)
    for accept in ("application/yaml", "application/json;as=Table;v=v1;g=meta.k8s.io", "text/event-stream"):
        refused = await api("GET", events(namespace, "one"), headers={"Accept": accept})
        assert "application/json" in assert_is_status(refused, 406, "NotAcceptable")["message"]
    for accept in ("*/*", "application/json", "application/yaml;q=0.5, application/json"):
        assert (await api("GET", events(namespace, "one"), headers={"Accept": accept})).json["kind"] == "EventList"


async def test_head_answers_what_get_would_without_the_body(api: Caller, direct: Caller, namespace: str) -> None:
    await create(direct, namespace, suspended("one"), YAML)
    get, head = await api("GET", events(namespace, "one")), await api("HEAD", events(namespace, "one"))
    assert (head.status, head.body, head.headers["Content-Type"]) == (200, b"", get.headers["Content-Type"])
