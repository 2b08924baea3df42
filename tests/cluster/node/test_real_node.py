"""On the real node containers run as anywhere, and reach what is in the box and nothing else."""

import json
import socket
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.readme import section, steps

from ..cluster import KubectlError
from ..polling import eventually
from .addresses import DNS_ADDRESS
from .image_store import ImageStore
from .images import PATH, architecture, busybox_layer
from .real_node import RealNode

pytestmark = pytest.mark.node

WAIT = "--timeout=50s"
# An address that belongs to nobody (TEST-NET-2 of RFC 5737), so nobody is asked where the box has a leak.
OUTSIDE = "198.51.100.1"


def _first_example() -> str:
    """Return the Job that the README's tour creates first, as it stands there."""
    commands = steps(section("A tour"))[1].commands
    return commands.partition("<<'EOF'\n")[2].partition("EOF\n")[0]


def _run(node: RealNode, name: str, script: str, image: str = "busybox", **pod: Any) -> None:
    container = {"name": "main", "image": image, "command": ["sh", "-c", script]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **pod}, "spec": spec}
    node.kubectl("create", "--filename=-", input=json.dumps(body))


def _outcome(node: RealNode, name: str) -> tuple[str, str]:
    """Wait for the end of a pod and return its phase and what it printed."""

    def phase() -> str:
        return node.kubectl("get", "pod", name, "--output=jsonpath={.status.phase}")

    eventually(lambda: phase() in {"Succeeded", "Failed"}, f"pod {name} ends")
    return phase(), node.kubectl("logs", name)


def test_the_first_example_of_the_readme_runs_unchanged(real_node: RealNode) -> None:
    real_node.kubectl("create", "--filename=-", input=_first_example())
    real_node.kubectl("wait", "--for=condition=Complete", "job/sleep1", WAIT)

    pods = real_node.kubectl("get", "pods", "--selector=job-name=sleep1", "--output=name").split()
    assert [real_node.kubectl("logs", pod) for pod in pods] == ["220\n"] * 3
    real_node.kubectl("delete", "job/sleep1")  # others create it anew


def test_an_image_that_does_not_exist_is_not_found(real_node: RealNode) -> None:
    _run(real_node, "no-image", "true", image="no-such-image")

    def waiting() -> dict[str, str]:
        answer = real_node.kubectl("get", "pod", "no-image", "--output=json")
        (status,) = json.loads(answer)["status"].get("containerStatuses") or [{}]
        state: dict[str, str] = status.get("state", {}).get("waiting", {})
        return state

    eventually(lambda: waiting().get("reason") in {"ErrImagePull", "ImagePullBackOff"}, "the pull fails")
    events = real_node.kubectl("get", "events", "--field-selector=involvedObject.name=no-image", "--output=json")
    messages = [event["message"] for event in json.loads(events)["items"] if event["reason"] == "Failed"]
    assert any("docker.io/library/no-such-image:latest: not found" in message for message in messages)


def test_a_pod_finds_the_apiserver_by_its_name_and_reaches_it(real_node: RealNode) -> None:
    _run(
        real_node,
        "inside",
        "nslookup kubernetes.default.svc.cluster.local && nc -w 10 kubernetes.default.svc 443 < /dev/null",
    )

    phase, printed = _outcome(real_node, "inside")

    assert phase == "Succeeded", printed
    assert f"Server:\t\t{DNS_ADDRESS}" in printed
    assert "Address: 10.0.0.1" in printed


def test_nothing_outside_the_box_can_be_reached_from_it(real_node: RealNode) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.setblocking(False)
        address, port = _own_address(), listener.getsockname()[1]
        _run(
            real_node,
            "outside",
            f"nc -w 2 {address} {port} < /dev/null; echo machine $?;"
            f"nc -w 2 {OUTSIDE} 443 < /dev/null; echo beyond $?;"
            "nslookup example.org; echo name $?",
        )
        _, printed = _outcome(real_node, "outside")
        tried = real_node.enter(real_node.busybox, "nc", "-w", "2", address, str(port))
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert {"machine 1", "beyond 1", "name 1"} <= set(printed.splitlines()), printed
    assert "NXDOMAIN" in printed
    assert tried.returncode == 1


def _own_address() -> str:
    """Return an address by which others reach this machine; if it has none, one that is nobody's."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((OUTSIDE, 9))  # sends nothing; it only chooses the address that one would come from
        except OSError:
            return OUTSIDE
        return str(probe.getsockname()[0])


def test_a_service_is_reached_from_this_machine_through_a_forward(real_node: RealNode) -> None:
    _run(
        real_node,
        "web",
        "echo it is me > index.html; exec httpd -f -p 8080",
        labels={"app": "web"},
    )
    real_node.kubectl("wait", "--for=condition=Ready", "pod/web", WAIT)
    real_node.kubectl("expose", "pod", "web", "--port=80", "--target-port=8080")
    address = real_node.kubectl("get", "service", "web", "--output=jsonpath={.spec.clusterIP}")

    port = real_node.forward(address, 80)

    eventually(lambda: _page(port) == b"it is me\n", "the Service leads to the pod")
    real_node.kubectl("delete", "service/web", "pod/web")


def _page(port: int) -> bytes | None:
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with without_proxy.open(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return None


def test_an_image_that_a_test_loads_can_be_run(real_node: RealNode, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "image")
    busybox = Path(real_node.busybox).read_bytes()
    digest = store.add(busybox_layer(busybox, ["bin/sh"]), {"Env": [PATH, "SAYS=loaded"]}, architecture())
    (tmp_path / "image" / "index.json").write_text(json.dumps({"manifests": [{"digest": digest}]}))
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        for part in ("blobs", "index.json"):
            tar.add(tmp_path / "image" / part, part)

    real_node.load_image(tmp_path / "image.tar", "job-api:test")
    _run(real_node, "loaded", "echo $SAYS", image="job-api:test")

    assert _outcome(real_node, "loaded") == ("Succeeded", "loaded\n")


def test_a_killed_kubelet_comes_back_and_pods_go_on(real_node: RealNode) -> None:
    _run(real_node, "survivor", "sleep 3; echo still here")
    real_node.kubectl("wait", "--for=condition=Ready", "pod/survivor", WAIT)

    real_node.stop_component("kubelet")
    real_node.start_component("kubelet")

    assert _outcome(real_node, "survivor") == ("Succeeded", "still here\n")
    assert real_node.ended() == {}


def test_a_log_of_many_bytes_arrives_whole_through_the_way_in(real_node: RealNode) -> None:
    _run(real_node, "many", "yes 0123456789 | head -n 200000")

    phase, printed = _outcome(real_node, "many")

    assert phase == "Succeeded"
    assert printed == "0123456789\n" * 200_000


def test_a_frozen_apiserver_answers_nothing_until_it_is_resumed(real_node: RealNode) -> None:
    real_node.pause_component("kube-apiserver")
    try:
        with pytest.raises(KubectlError, match=r"(?i)timeout|deadline"):
            real_node.kubectl("get", "--raw=/readyz", "--request-timeout=1s")
    finally:
        real_node.resume_component("kube-apiserver")

    assert real_node.kubectl("get", "--raw=/readyz") == "ok"
