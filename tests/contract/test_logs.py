"""Section 7 of the contract: the logs that there are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.callers import Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.contract.logged import (
    DEFAULT_CONTAINER,
    container,
    create,
    log,
    logging,
    name_of,
    own_log,
    pods_in,
    printing,
    with_prefix,
)
from tests.contract.manifests import ending, suspended
from tests.contract.paths import direct_job, job
from tests.contract.waiting import job_when

SCRIPT = "echo first; echo second; printf third"
TEXT = b"first\nsecond\nthird"
YAML = {"Content-Type": "application/yaml"}
REFUSED = [
    ("follow", "yes"),
    ("follow", ""),
    ("timestamps", "True"),
    ("previous", "2"),
    ("allContainers", "no"),
    ("prefix", "on"),
    ("tailLines", "-1"),
    ("tailLines", "1.5"),
    ("tailLines", str(2**63)),
    ("limitBytes", "0"),
    ("limitBytes", "x"),
    ("sinceSeconds", "0"),
    ("sinceTime", "today"),
    ("sinceTime", "2026-02-30T00:00:00Z"),
    ("container", "A_b"),
    ("container", "..%2F.."),
    ("pod", "A_b"),
    ("pod", "one%2Flog"),
    ("tail", "1"),
    ("stream", "All"),
]


@pytest.fixture
def fake_node(real_backend: Backend | None, request: pytest.FixtureRequest) -> ControlPlane | None:
    """Return what tells fake pods what they have logged; None where the sandbox reads their commands."""
    return None if real_backend is None else request.getfixturevalue("control_plane")


async def logged(
    direct: Caller, fake_node: ControlPlane | None, namespace: str, manifest: bytes, count: int = 1
) -> list[Any]:
    """Create a Job, and return its pods once each of their containers has logged and ended."""
    created = await create(direct, namespace, manifest)
    pods = await pods_in(direct, namespace, count, "Succeeded", "Failed")
    if fake_node is not None:
        spec = created["spec"]["template"]["spec"]
        begin = datetime.now(UTC) - timedelta(seconds=5)
        for pod in pods:
            texts = {}
            for each in (*spec.get("initContainers", ()), *spec["containers"]):
                text = TEXT if each["command"][-1] == SCRIPT else each["command"][-1].split()[1].encode() + b"\n"
                lines = text.splitlines(keepends=True)
                texts[each["name"]] = [(begin + timedelta(seconds=i), line) for i, line in enumerate(lines)]
            fake_node.write_log(namespace, name_of(pod), texts)
    return pods


async def test_the_logs_of_all_pods_come_one_after_the_other_each_line_with_its_origin(
    api: Caller, direct: Caller, fake_node: ControlPlane | None, namespace: str
) -> None:
    manifest = printing("one", SCRIPT, completions=3, parallelism=2)
    pods = [name_of(pod) for pod in await logged(direct, fake_node, namespace, manifest, 3)]
    answer = await api("GET", log(namespace, "one"))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # A last line without an end keeps it so, unless another one follows.
    assert answer.body == b"\n".join(with_prefix(pod, "main", TEXT) for pod in pods)
    plain = await api("GET", log(namespace, "one", "prefix=false"))
    assert plain.body == b"\n".join([TEXT] * 3)
    of_one = await api("GET", log(namespace, "one", f"pod={pods[1]}"))
    assert (of_one.status, of_one.body) == (200, TEXT)
    of_one = await api("GET", log(namespace, "one", f"pod={pods[1]}&prefix=true"))
    assert of_one.body == with_prefix(pods[1], "main", TEXT)


async def test_each_parameter_means_what_it_means_to_the_apiserver_for_each_container(
    api: Caller, direct: Caller, fake_node: ControlPlane | None, namespace: str
) -> None:
    manifest = printing("one", SCRIPT, completions=2, parallelism=2)
    pods = [name_of(pod) for pod in await logged(direct, fake_node, namespace, manifest, 2)]
    future = f"sinceTime={datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    for query in (
        "tailLines=1", "tailLines=0", "limitBytes=7", "limitBytes=1", "tailLines=2&limitBytes=8", "timestamps=true",
        "timestamps=true&tailLines=1&limitBytes=40", "sinceSeconds=3600", "sinceTime=2026-01-01T00:00:00Z", future,
    ):  # fmt: skip
        answers = [await own_log(direct, namespace, pod, query) for pod in pods]
        texts = [with_prefix(pod, "main", own.body) for pod, own in zip(pods, answers, strict=True)]
        expected = texts[0] + (b"\n" if texts[0] and texts[1] and texts[0][-1:] != b"\n" else b"") + texts[1]
        ours = await api("GET", log(namespace, "one", query))
        assert (ours.status, ours.body) == (200, expected), query
        of_one = await api("GET", log(namespace, "one", f"{query}&pod={pods[0]}"))
        assert (of_one.status, of_one.body) == (200, answers[0].body), query


async def test_of_several_containers_one_is_the_default_and_all_can_be_had(
    api: Caller, direct: Caller, fake_node: ControlPlane | None, namespace: str
) -> None:
    init = [container("init", "echo prepared"), container("sidecar", "echo beside", restartPolicy="Always")]
    mains = container("main", "echo done"), container("second", "echo too")
    manifest = logging("one", *mains, init=init)
    (pod,) = [name_of(each) for each in await logged(direct, fake_node, namespace, manifest)]
    first, second = (with_prefix(pod, name, text) for name, text in (("main", b"done\n"), ("second", b"too\n")))
    assert (await api("GET", log(namespace, "one"))).body == first
    assert (await api("GET", log(namespace, "one", "container=second"))).body == second
    assert (await api("GET", log(namespace, "one", "container=init"))).body == with_prefix(
        pod, "init", b"prepared\n"
    )
    everything = with_prefix(pod, "init", b"prepared\n") + with_prefix(pod, "sidecar", b"beside\n") + first + second
    for query in ("allContainers=true", "allContainers=1&prefix=1", f"pod={pod}&allContainers=true&prefix=true"):
        assert (await api("GET", log(namespace, "one", query))).body == everything
    plain = await api("GET", log(namespace, "one", f"pod={pod}&allContainers=true"))
    assert plain.body == b"prepared\nbeside\ndone\ntoo\n"
    refused = await api("GET", log(namespace, "one", "container=third"))
    assert "has init, sidecar, main, second" in assert_is_status(refused, 400, "BadRequest")["message"]


async def test_the_annotation_names_the_container_that_is_meant(
    api: Caller, direct: Caller, fake_node: ControlPlane | None, namespace: str
) -> None:
    mains = container("main", "echo done"), container("second", "echo too")
    manifest = logging("one", *mains, annotations={DEFAULT_CONTAINER: "second"})
    (pod,) = [name_of(each) for each in await logged(direct, fake_node, namespace, manifest)]
    assert (await api("GET", log(namespace, "one"))).body == with_prefix(pod, "second", b"too\n")
    assert (await api("GET", log(namespace, "one", f"pod={pod}"))).body == b"too\n"


@pytest.mark.parametrize(("name", "value"), REFUSED)
async def test_a_value_that_is_none_is_refused_by_its_name(
    api: Caller, namespace: str, name: str, value: str
) -> None:
    answer = await api("GET", log(namespace, "one", f"{name}={value}"))
    assert f"'{name}'" in assert_is_status(answer, 400, "BadRequest")["message"]


@pytest.mark.parametrize(
    "query",
    [
        "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
        "container=main&allContainers=true",
        "tailLines=1&tailLines=2",
    ],
)
async def test_parameters_that_exclude_each_other_are_refused(api: Caller, namespace: str, query: str) -> None:
    assert_is_status(await api("GET", log(namespace, "one", query)), 400, "BadRequest")


async def test_it_is_plain_text_and_nothing_else(
    api: Caller, direct: Caller, fake_node: ControlPlane | None, namespace: str
) -> None:
    (pod,) = await logged(direct, fake_node, namespace, printing("one", SCRIPT))
    for query in ("", f"pod={name_of(pod)}"):
        path = log(namespace, "one", query)
        for accept in ("text/plain", "text/*", "*/*", "application/json, */*;q=0.1", ""):
            answer = await api("GET", path, headers={"Accept": accept} if accept else {})
            assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain"), accept
        for accept in ("application/json", "text/html", "image/png, application/yaml", "text/plain;q=0"):
            assert_is_status(await api("GET", path, headers={"Accept": accept}), 406, "NotAcceptable")
        get, head = await api("GET", path), await api("HEAD", path)
        assert (head.status, head.body, head.headers["Content-Type"]) == (200, b"", get.headers["Content-Type"])


async def test_without_such_a_job_it_is_404(api: Caller, namespace: str) -> None:
    for query in ("", "follow=true", "pod=none"):
        refused = assert_is_status(await api("GET", log(namespace, "none", query)), 404, "NotFound")
        assert refused["details"] == {"name": "none", "group": "batch", "kind": "jobs"}
    assert (await api("HEAD", log(namespace, "none"))).status == 404


async def test_a_pod_of_another_job_is_404(
    api: Caller, direct: Caller, fake_node: ControlPlane | None, namespace: str
) -> None:
    (other,) = await logged(direct, fake_node, namespace, printing("other", SCRIPT))
    assert (await direct("POST", direct_job(namespace, "").rstrip("/"), suspended("one"), YAML)).status == 201
    for query in (f"pod={name_of(other)}", f"follow=true&pod={name_of(other)}", "pod=none"):
        refused = assert_is_status(await api("GET", log(namespace, "one", query)), 404, "NotFound")
        assert "none of the pods of" in refused["message"]
        assert refused["details"]["kind"] == "pods"


async def test_a_job_without_pods_says_why_there_are_no_logs(api: Caller, direct: Caller, namespace: str) -> None:
    assert (await direct("POST", direct_job(namespace, "").rstrip("/"), suspended("one"), YAML)).status == 201
    refused = assert_is_status(await api("GET", log(namespace, "one")), 404, "NotFound")
    assert "has no pods yet" in refused["message"]
    assert "follow=true" in refused["message"]
    await create(direct, namespace, ending("over"))
    await job_when(direct, namespace, "over", lambda found: bool(found["status"].get("completionTime")))
    for pod in await pods_in(direct, namespace, 1, "Succeeded"):
        assert (await direct("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name_of(pod)}")).status == 200
    await pods_in(direct, namespace, 0)
    for query in ("", "follow=true"):
        refused = assert_is_status(await api("GET", log(namespace, "over", query)), 404, "NotFound")
        assert "is over and its pods are gone" in refused["message"]
    assert (await api("DELETE", job(namespace, "over"))).status == 200
