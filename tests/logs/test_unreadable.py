"""Why a log cannot be read is said in words that help."""

from typing import Any

import msgspec
import pytest

from service.errors import ApiError
from service.kube.jobs import Job, read_job
from service.kube.pods import Pod, read_pod
from service.logs.unreadable import Unread, Unreadable, no_pods, nothing_readable, reason_of
from tests.cache.jobs import raw_job, status

PULLING = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "none"'}


def a_pod(phase: str = "Pending", state: Any = None, **more: Any) -> Pod:
    statuses = [] if state is None else [{"name": "main", "state": state}]
    told = {"phase": phase, "containerStatuses": statuses, **more}
    return read_pod(msgspec.json.encode({"metadata": {"name": "one-x"}, "status": told}))


def a_job(*conditions: dict[str, str]) -> Job:
    return read_job(raw_job("one", 1, conditions=list(conditions)))


NO_NODE = "0/1 nodes are available"
UNSCHEDULED: Any = {"conditions": [{"type": "PodScheduled", "status": "False", "message": NO_NODE}]}
EVICTED: Any = {"reason": "Evicted", "message": "The node was low on resource: memory"}


@pytest.mark.parametrize(
    ("pod", "code", "expected"),
    [
        (a_pod(**UNSCHEDULED), 204, "the pod is not scheduled yet: 0/1 nodes are available"),
        (a_pod(**UNSCHEDULED), 404, "the pod is not scheduled yet: 0/1 nodes are available"),
        (a_pod(), 204, "the pod is not scheduled yet"),
        (a_pod(state={"waiting": PULLING}), 400, f"waiting to start: ImagePullBackOff: {PULLING['message']}"),
        (a_pod(state={"waiting": {"reason": "ContainerCreating"}}), 400, "waiting to start: ContainerCreating"),
        (a_pod("Failed", **EVICTED), 400, "Evicted: The node was low on resource: memory"),
        (a_pod("Failed", state={"waiting": {"reason": "PodInitializing"}}), 400, "told by a test"),
        (a_pod("Running", state={"running": {}}), 500, "told by a test"),
        (a_pod("Failed", state={"terminated": {"exitCode": 1}}, **EVICTED), 400, "told by a test"),
    ],
)
def test_what_the_pods_status_says_comes_before_what_the_apiserver_says(pod: Pod, code: int, expected: str) -> None:
    assert reason_of(pod, "main", code, status(code)) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b"{}", b'{"message":""}', b'{"message":1}'])
def test_an_answer_that_is_no_status_is_told_by_its_code(body: bytes) -> None:
    assert reason_of(a_pod(), "main", 500, body) == "the apiserver answered 500"


def test_a_reason_is_one_line() -> None:
    assert Unreadable(400, "failed to pull:\n  not found\r\n").reason == "failed to pull: not found"
    assert Unread("one-x", "main", 400, "none").line == b"[pod/one-x/main] -- none\n"


@pytest.mark.parametrize(("code", "expected"), [(400, False), (404, False), (429, True), (500, True), (503, True)])
def test_a_kubelet_that_is_away_may_be_back(code: int, expected: bool) -> None:
    assert Unreadable(code, "").is_passing is expected


def test_of_many_that_cannot_be_read_the_first_ten_are_told() -> None:
    error = nothing_readable("one", [Unread(f"one-{number}", "main", 400, "none") for number in range(12)])
    assert isinstance(error, ApiError)
    assert error.code == 400
    told = msgspec.json.decode(error.status())
    assert told["message"].endswith("; pod/one-9/main: none; and 2 more")
    assert told["details"]["causes"][0] == {"message": "none", "field": "pod/one-0/main"}
    assert len(told["details"]["causes"]) == 10


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (a_job(), "has no pods yet"),
        (a_job({"type": "Suspended", "status": "True"}), "has no pods yet"),
        (a_job({"type": "Complete", "status": "True"}), "is over and its pods are gone"),
        (None, "is gone"),
    ],
)
def test_that_there_are_no_pods_is_404_and_says_why(job: Job | None, told: str) -> None:
    error = no_pods("one", job)
    assert error.code == 404
    assert f'jobs.batch "one" {told}' in str(error)
