"""Which pods are a Job's."""

from typing import Any

import msgspec
import pytest

from service.kube.job_pods import JobPods, pods_of
from service.kube.pods import read_pod
from service.selectors import parse_label_selector

UID = "0c6e0b1c-6a39-4ed0-a11b-2f4ff3b7ff3a"
STAND_IN = f"batch.kubernetes.io/controller-uid={UID}"


def job(selector: Any, *, manual: bool | None = True) -> bytes:
    return msgspec.json.encode(
        {"metadata": {"name": "one", "uid": UID}, "spec": {"selector": selector, "manualSelector": manual}}
    )


def test_a_generated_selector_is_all_that_tells_a_jobs_pods() -> None:
    raw = job({"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}, manual=False)
    assert pods_of(raw) == JobPods(UID, STAND_IN, manual=False)
    assert pods_of(raw).includes(read_pod(b'{"metadata":{"name":"one-x","uid":"1"}}'))


def test_a_selector_is_written_as_kubernetes_writes_it() -> None:
    selector = {
        "matchLabels": {"b.example/c": "", "a": "x"},
        "matchExpressions": [
            {"key": "z", "operator": "NotIn", "values": ["2", "1"]},
            {"key": "c", "operator": "In", "values": ["one"]},
            {"key": "d", "operator": "Exists"},
            {"key": "e", "operator": "DoesNotExist", "values": []},
        ],
    }
    text = pods_of(job(selector)).label_selector
    assert text == "a=x,b.example/c=,c in (one),d,!e,z notin (1,2)"
    assert len(parse_label_selector(text).requirements) == 6


@pytest.mark.parametrize(
    "selector",
    [
        None,
        {},
        {"matchLabels": None, "matchExpressions": []},
        {"matchLabels": {"a": "x,b"}},
        {"matchLabels": {"a)": "x"}},
        {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x),("]}]},
        {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": []}]},
        {"matchLabels": {"a": "x"}, "matchExpressions": [{"key": "b", "operator": "In"}]},
    ],
)
def test_a_selector_that_would_match_everything_or_is_none_is_never_asked_for(selector: Any) -> None:
    assert pods_of(job(selector)).label_selector == STAND_IN


def test_what_the_caller_selects_only_narrows_the_choice() -> None:
    pods = pods_of(job({"matchLabels": {"a": "x"}}))
    assert pods.narrowed("b in (1,2),!c") == "a=x,b in (1,2),!c"
    assert pods.narrowed("") == pods.narrowed(" ") == "a=x"


def test_of_a_manual_selector_only_pods_that_the_job_controls_are_its_own() -> None:
    pods = pods_of(job({"matchLabels": {"a": "x"}}))
    owners = [{"uid": "other"}, {"uid": UID, "controller": True}]
    mine = read_pod(msgspec.json.encode({"metadata": {"name": "p", "uid": "1", "ownerReferences": owners}}))
    assert (mine.name, mine.uid, mine.controller_uid) == ("p", "1", UID)
    assert pods.includes(mine)
    owners = [{"uid": UID, "controller": False}]
    for metadata in ({"ownerReferences": owners}, {"ownerReferences": None}, {}):
        assert not pods.includes(read_pod(msgspec.json.encode({"metadata": metadata})))


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b'{"metadata":{}}', b"\xff", job({"matchExpressions": [{"key": "a", "operator": "Gt"}]})],
)
def test_what_is_no_job_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        pods_of(raw)
