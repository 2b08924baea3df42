"""Jobs come to their end in the sandbox, and say so as real ones do."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from service.sandbox.clock import EventLoopClock
from service.sandbox.controllers.job_controller import JobController
from service.sandbox.controllers.job_status import end
from service.sandbox.events import MOST_EVENTS, EventRecorder
from service.sandbox.kubelet.kubelet import Kubelet
from service.sandbox.store import Key, Limits, Store
from tests.sandbox.virtual_time import Sandbox, complete_job, conditions, running, sandbox, void
from tests.waiting import eventually


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with sandbox() as running_sandbox:
        yield running_sandbox


async def test_a_job_of_three_completions_completes(box: Sandbox) -> None:
    key = box.create("three", completions=3)
    status = await box.finished(key)
    assert status["succeeded"] == 3
    assert conditions(status) == ["SuccessCriteriaMet", "Complete"]
    assert status["completionTime"] == status["conditions"][1]["lastTransitionTime"]
    assert (status["ready"], status["terminating"], status["uncountedTerminatedPods"]) == (0, 0, {})
    assert not {"active", "failed", "completedIndexes"} & status.keys()
    assert [pod["status"]["phase"] for pod in box.pods(key)] == ["Succeeded"] * 3
    assert [reason for reason, _ in box.told("three")] == ["SuccessfulCreate"] * 3 + ["Completed"]


async def test_the_first_status_has_the_pod_and_the_start(box: Sandbox) -> None:
    key = box.create("first")
    assert (await box.until(lambda: box.status(key))) == {
        "startTime": "2026-01-01T00:00:00Z",
        "active": 1,
        "terminating": 0,
        "uncountedTerminatedPods": {},
        "ready": 0,
    }


async def test_a_pod_carries_its_jobs_name_labels_owner_and_finalizer(box: Sandbox) -> None:
    key = box.create("carries")
    pod = (await box.until(lambda: box.pods(key)))[0]
    metadata = pod["metadata"]
    assert metadata["generateName"] == "carries-"
    assert metadata["name"].startswith("carries-")
    assert len(metadata["name"]) == len("carries-") + 5
    assert metadata["labels"]["batch.kubernetes.io/job-name"] == "carries"
    assert metadata["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": "carries",
            "uid": box.job(key)["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


async def test_a_finished_pod_has_no_finalizer(box: Sandbox) -> None:
    key = box.create("finalizer")
    await box.finished(key)
    assert "finalizers" not in box.pods(key)[0]["metadata"]


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_failures_beyond_the_limit_fail_the_job(box: Sandbox, limit: int) -> None:
    key = box.create("fails", running("false"), backoffLimit=limit)
    status = await box.finished(key)
    assert status["failed"] == limit + 1
    assert conditions(status) == ["FailureTarget", "Failed"]
    assert {each["reason"] for each in status["conditions"]} == {"BackoffLimitExceeded"}
    assert box.told("fails")[-1] == ("BackoffLimitExceeded", "Job has reached the specified backoff limit")


async def test_each_retry_waits_twice_as_long(box: Sandbox) -> None:
    key = box.create("slower", running("false"), backoffLimit=4)
    starts = []
    for count in range(1, 6):
        await box.until(lambda count=count: len(box.pods(key)) == count)  # type: ignore[misc]
        starts.append(box.clock.time)
    waits = [later - earlier for earlier, later in pairwise(starts)]
    assert waits == sorted(waits)
    assert len(set(waits)) == len(waits)


async def test_an_indexed_job_runs_each_index(box: Sandbox) -> None:
    key = box.create("indexed", completionMode="Indexed", completions=4, parallelism=2)
    await box.until(lambda: len(box.pods(key)) == 2)
    pod = box.pods(key)[0]
    assert pod["metadata"]["annotations"] == {"batch.kubernetes.io/job-completion-index": "0"}
    assert pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] == "0"
    assert pod["metadata"]["generateName"] == "indexed-0-"
    assert pod["spec"]["hostname"] == "indexed-0"
    assert pod["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    status = await box.finished(key)
    assert (status["succeeded"], status["completedIndexes"]) == (4, "0-3")


async def test_a_suspended_job_does_nothing(box: Sandbox) -> None:
    key = box.create("suspended", suspend=True)
    await box.wait(100)
    status = box.status(key)
    assert conditions(status) == ["Suspended"]
    assert "startTime" not in status
    assert box.pods(key) == []
    assert box.told("suspended") == [("Suspended", "Job suspended")]


async def test_a_deadline_ends_the_running_pods(box: Sandbox) -> None:
    key = box.create("deadline", running("sleep", "infinity"), activeDeadlineSeconds=2)
    seen = []
    box.store.listeners.append(lambda change: seen.append(change) if change.stored.key == key else None)
    status = await box.finished(key)
    assert {each["reason"] for each in status["conditions"]} == {"DeadlineExceeded"}
    assert status["failed"] == 1
    assert box.pods(key) == []
    assert [reason for reason, _ in box.told("deadline")] == [
        "SuccessfulCreate",
        "SuccessfulDelete",
        "DeadlineExceeded",
    ]
    steps = [each.stored.decoded()["status"] for each in seen]
    assert [(len(each.get("conditions", ())), each["terminating"], each.get("failed", 0)) for each in steps] == [
        (0, 0, 0),
        (0, 0, 0),
        (1, 1, 0),
        (1, 1, 1),
        (1, 0, 1),
        (2, 0, 1),
    ]


async def test_no_more_pods_run_at_once_than_parallelism_says(box: Sandbox) -> None:
    key = box.create("parallel", running("sleep", "5"), parallelism=3, completions=5)
    most = 0

    def count() -> bool:
        nonlocal most
        most = max(most, box.status(key).get("active", 0))
        return "Complete" in conditions(box.status(key))

    await box.until(count)
    assert most == 3
    assert len(box.pods(key)) == 5


async def test_a_job_without_completions_ends_when_all_its_pods_have_after_one_success(box: Sandbox) -> None:
    key = box.create("queue", completions=None, parallelism=2)
    status = await box.finished(key)
    assert status["succeeded"] == 2


async def test_a_job_without_parallelism_waits(box: Sandbox) -> None:
    key = box.create("nopar", parallelism=0)
    await box.wait(100)
    status = box.status(key)
    assert (conditions(status), box.pods(key)) == ([], [])
    assert "startTime" in status


async def test_a_job_without_anything_to_complete_is_complete(box: Sandbox) -> None:
    status = await box.finished(box.create("zero", completions=0))
    assert conditions(status) == ["SuccessCriteriaMet", "Complete"]
    assert "succeeded" not in status


async def test_restarts_in_a_pod_count_towards_the_limit(box: Sandbox) -> None:
    key = box.create("restarts", {**running("false"), "restartPolicy": "OnFailure"}, backoffLimit=2)
    await box.until(
        lambda: any(
            pod["status"]["containerStatuses"][0]["restartCount"]
            for pod in box.pods(key)
            if "containerStatuses" in pod["status"]
        )
    )
    assert len(box.pods(key)) == 1
    status = await box.finished(key)
    assert status["conditions"][0]["reason"] == "BackoffLimitExceeded"
    assert status["failed"] == 1
    assert box.pods(key) == []


async def test_indexes_fail_for_themselves(box: Sandbox) -> None:
    pod = running("sh", "-c", "exit $JOB_COMPLETION_INDEX")
    key = box.create(
        "perindex", pod, completionMode="Indexed", completions=3, parallelism=3, backoffLimitPerIndex=1
    )
    status = await box.finished(key)
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0", "1,2")
    assert status["failed"] == 4
    assert status["conditions"][0]["reason"] == "FailedIndexes"
    counts = {
        pod["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] for pod in box.pods(key)
    }
    assert counts == {"0", "1"}


async def test_more_failed_indexes_than_allowed_end_the_job(box: Sandbox) -> None:
    key = box.create(
        "most",
        running("false"),
        completionMode="Indexed",
        completions=5,
        backoffLimitPerIndex=0,
        maxFailedIndexes=1,
    )
    status = await box.finished(key)
    assert status["conditions"][0]["reason"] == "MaxFailedIndexesExceeded"
    assert status["failedIndexes"] == "0,1"


async def test_a_pod_failure_policy_can_fail_the_job_at_once(box: Sandbox) -> None:
    rules = [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]
    key = box.create("policy", running("sh", "-c", "exit 42"), podFailurePolicy={"rules": rules})
    status = await box.finished(key)
    name = box.pods(key)[0]["metadata"]["name"]
    message = f"Container main for pod default/{name} failed with exit code 42 matching FailJob rule at index 0"
    assert [(each["reason"], each["message"]) for each in status["conditions"]] == [
        ("PodFailurePolicy", message)
    ] * 2
    assert status["failed"] == 1


async def test_a_pod_failure_policy_can_ignore_failures(box: Sandbox) -> None:
    rules = [{"action": "Ignore", "onExitCodes": {"operator": "NotIn", "values": [2]}}]
    key = box.create("ignore", running("false"), backoffLimit=0, podFailurePolicy={"rules": rules})
    await box.until(lambda: len(box.pods(key)) == 4)
    assert "failed" not in box.status(key)


async def test_a_success_policy_ends_the_job_early(box: Sandbox) -> None:
    rules = {"rules": [{"succeededIndexes": "0"}]}
    pod = running("sh", "-c", "sleep ${JOB_COMPLETION_INDEX}0")
    key = box.create("success", pod, completionMode="Indexed", completions=2, parallelism=2, successPolicy=rules)
    status = await box.finished(key)
    assert [(each["reason"], each["message"]) for each in status["conditions"]] == [
        ("SuccessPolicy", "Matched rules at index 0")
    ] * 2
    assert (status["succeeded"], status.get("failed")) == (1, None)
    assert len(box.pods(key)) == 1


async def test_a_deleted_pod_is_replaced(box: Sandbox) -> None:
    key = box.create("replaced", running("sleep", "100"))
    pod = (await box.until(lambda: [p for p in box.pods(key) if p["status"]["phase"] == "Running"]))[0]
    box.delete_pod(pod)
    await box.until(lambda: [p for p in box.pods(key) if p["metadata"]["uid"] != pod["metadata"]["uid"]])
    status = await box.finished(key)
    assert (status["succeeded"], status["failed"]) == (1, 1)


async def test_a_finished_job_goes_when_its_time_is_over(box: Sandbox) -> None:
    key = box.create("ttl", ttlSecondsAfterFinished=30)
    await box.finished(key)
    await box.wait(20)
    assert box.store.get(key)
    await box.wait(11)
    assert box.store.get(key) is None


async def test_a_job_of_another_controller_is_left_alone(box: Sandbox) -> None:
    key = box.create("managed", managedBy="example.com/other")
    await box.wait(100)
    assert (box.status(key), box.pods(key), box.told("managed")) == ({}, [], [])


async def test_pods_of_a_job_that_is_gone_lose_their_finalizer(box: Sandbox) -> None:
    key = box.create("gone", running("sleep", "100"))
    pod = (await box.until(lambda: box.pods(key)))[0]
    box.store.delete(key)
    await box.rest()
    stored = box.store.get(Key("pods", "default", pod["metadata"]["name"]))
    assert stored is not None
    assert "finalizers" not in stored.decoded()["metadata"]


async def test_a_full_store_is_told_and_waited_for() -> None:
    async with sandbox(Store(Limits(objects=2))) as box:
        blocker = box.create("blocker", suspend=True)
        key = box.create("full")
        await box.wait(3)
        assert box.pods(key) == []
        for each in (blocker, *(event.key for event in box.store.list("events"))):
            box.store.delete(each)
        assert (await box.finished(key))["succeeded"] == 1


async def test_many_messages_of_a_kind_are_combined(box: Sandbox) -> None:
    key = box.create("combined", completions=20, parallelism=20)
    await box.finished(key)
    told = [message for reason, message in box.told("combined") if reason == "SuccessfulCreate"]
    assert len(told) == 10
    assert told[-1].startswith("(combined from similar events): Created pod: combined-")


async def test_hundreds_of_jobs_leave_nothing_to_do_and_not_too_many_events(box: Sandbox) -> None:
    keys = [box.create(f"job-{number}") for number in range(300)]
    await box.wait(5)
    assert all("Complete" in conditions(box.status(key)) for key in keys)
    assert (box.controller.waiting, box.kubelet.waiting) == (0, 0)
    assert len(box.store.list("events")) == len(box.events) == MOST_EVENTS
    await box.wait(3_600)
    assert len(box.store.list("events")) == len(box.events) == 0
    assert box.clock.next() is None


async def test_the_controllers_run_by_the_time_of_the_event_loop() -> None:
    store, clock = Store(), EventLoopClock()
    events = EventRecorder(store, clock)
    controller = JobController(store, events, clock, lambda key: void(store.delete(key)))
    kubelet = Kubelet(store, events, clock)
    tasks = [asyncio.create_task(each.run()) for each in (events, controller, kubelet)]
    key = store.create("jobs", complete_job("real-time", {}, ttlSecondsAfterFinished=0)).key
    ends: list[object] = []
    store.listeners.append(
        lambda change: ends.append(end(change.stored.decoded())) if change.stored.key == key else None
    )
    await eventually(lambda: store.get(key) is None)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(ends[-1], dict)
    assert ends[-1]["type"] == "Complete"


async def test_what_fails_is_logged_and_the_others_go_on(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    broken = complete_job("broken", {})
    del broken["spec"]["parallelism"]
    box.store.create("jobs", broken)
    assert (await box.finished(box.create("whole")))["succeeded"] == 1
    assert "the sandbox cannot go on with an object" in caplog.text


async def test_the_status_of_a_suspended_job_is_written_once(box: Sandbox) -> None:
    key = box.create("suspended", suspend=True)
    await box.wait(60)
    job = box.job(key)
    job["metadata"]["labels"] = {"changed": "by-somebody"}
    changed = box.store.update("jobs", job)
    assert changed is not None
    await box.wait(60)
    assert box.store.get(key) is changed
