"""What is asked of a log becomes what is asked of the apiserver, container by container."""

import msgspec
import pytest

from service.api.log_options import log_options
from service.errors import BadRequest
from service.kube.pods import Pod, read_pod
from service.logs.options import LogOptions

ANNOTATION = "kubectl.kubernetes.io/default-container"


def a_pod(default: str | None = None) -> Pod:
    annotations = {} if default is None else {ANNOTATION: default}
    containers = {
        "initContainers": [{"name": "init"}, {"name": "sidecar", "restartPolicy": "Always"}],
        "containers": [{"name": "main"}, {"name": "second"}],
        "ephemeralContainers": [{"name": "debug"}],
    }
    metadata = {"name": "one-x", "annotations": annotations}
    return read_pod(msgspec.json.encode({"metadata": metadata, "spec": containers}))


@pytest.mark.parametrize(
    ("options", "default", "expected"),
    [
        (LogOptions(), None, ["main"]),
        (LogOptions(), "second", ["second"]),
        (LogOptions(), "init", ["init"]),
        (LogOptions(), "none", ["main"]),
        (LogOptions(container="sidecar"), "second", ["sidecar"]),
        (LogOptions(all_containers=True), "second", ["init", "sidecar", "main", "second", "debug"]),
    ],
)
def test_which_containers_are_meant(options: LogOptions, default: str | None, expected: list[str]) -> None:
    assert list(options.containers_of(a_pod(default))) == expected


def test_a_container_that_is_not_there_is_refused_and_the_others_are_told() -> None:
    with pytest.raises(BadRequest, match=r"container 'none' .* has init, sidecar, main, second, debug"):
        LogOptions(container="none").containers_of(a_pod())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, LogOptions()),
        ({"follow": "1", "previous": "false"}, LogOptions(follow=True)),
        ({"follow": "true", "previous": "1"}, LogOptions(previous=True)),
        ({"pod": "x"}, LogOptions(pod="x", prefix=False)),
        ({"pod": "x", "prefix": "true"}, LogOptions(pod="x")),
        ({"prefix": "0"}, LogOptions(prefix=False)),
        ({"tailLines": "0", "limitBytes": "1"}, LogOptions(tail_lines=0, limit_bytes=1)),
        ({"sinceSeconds": "1", "timestamps": "true"}, LogOptions(since_seconds=1, timestamps=True)),
        ({"container": "main", "allContainers": "false"}, LogOptions(container="main")),
    ],
)
def test_what_is_asked_is_read(asked: dict[str, str], expected: LogOptions) -> None:
    assert log_options(asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"sinceSeconds": "1", "sinceTime": "2026-01-01T00:00:00Z"},
        {"container": "main", "allContainers": "true"},
        {"allContainers": "1", "container": "main"},
    ],
)
def test_what_excludes_each_other_is_refused_by_name(asked: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refused:
        log_options(asked)
    assert all(name in str(refused.value) for name in asked)


def test_the_apiserver_is_asked_for_what_is_given_and_no_more() -> None:
    assert LogOptions(follow=True, pod="x").parameters("main") == {"container": "main"}
    asked = {
        "previous": "true",
        "timestamps": "true",
        "tailLines": "0",
        "limitBytes": "1",
        "sinceTime": "2026-01-01T00:00:00Z",
    }
    assert log_options(asked).parameters("main") == {"container": "main", **asked}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (LogOptions(pod="x", prefix=False), True),
        (LogOptions(pod="x", prefix=True), False),
        (LogOptions(pod="x", prefix=False, all_containers=True), False),
        (LogOptions(prefix=False), False),
    ],
)
def test_the_bytes_of_one_container_stay_as_they_are(options: LogOptions, expected: bool) -> None:
    assert options.is_of_one is expected
