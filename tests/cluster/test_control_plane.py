"""The control plane runs Jobs as a cluster does and leaves nothing behind. Needs Go, and minutes the first time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .cluster import KubectlError
from .control_plane import LOG_LINE, ControlPlane
from .polling import eventually, is_running

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT = "--timeout=50s"
CHILD = """
import json, sys
from tests.cluster.control_plane import ControlPlane
cluster = ControlPlane()
cluster.start()
print(json.dumps([str(cluster.directory), cluster.pids]), flush=True)
sys.stdin.read()
"""
SLEEP1 = """
apiVersion: batch/v1
kind: Job
metadata: {name: sleep1}
spec:
  completions: 3
  template:
    spec:
      containers: [{name: sleep, image: busybox, command: [echo, "220"]}]
      restartPolicy: Never
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    with ControlPlane() as cluster:
        yield cluster


def _create_job(cluster: ControlPlane, name: str, **annotations: str) -> None:
    job = yaml.safe_load(SLEEP1)
    job["metadata"]["name"] = name
    job["spec"] |= {"completions": 1, "backoffLimit": 0}
    values = {f"job-api.test/{key.replace('_', '-')}": value for key, value in annotations.items()}
    job["spec"]["template"]["metadata"] = {"annotations": values}
    job["spec"]["template"]["spec"]["initContainers"] = [{"name": "first", "image": "busybox"}]
    cluster.kubectl("create", "--filename=-", input=yaml.safe_dump(job))


def _pods(cluster: ControlPlane, job: str) -> list[dict[str, Any]]:
    answer = cluster.kubectl("get", "pods", f"--selector=job-name={job}", "--output=json")
    pods: list[dict[str, Any]] = json.loads(answer)["items"]
    return pods


def _running(cluster: ControlPlane, job: str) -> bool:
    return [pod["status"]["phase"] for pod in _pods(cluster, job)] == ["Running"]


def _review(cluster: ControlPlane, group: str, kind: str, **spec: object) -> dict[str, Any]:
    body = {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "spec": spec}
    answer = cluster.kubectl("create", "--filename=-", "--output=json", input=json.dumps(body))
    status: dict[str, Any] = json.loads(answer)["status"]
    return status


def test_a_job_completes_its_logs_are_read_and_its_pods_go_with_it(cluster: ControlPlane) -> None:
    cluster.kubectl("create", "--filename=-", input=SLEEP1)
    cluster.kubectl("wait", "--for=condition=Complete", "job/sleep1", WAIT)

    assert cluster.kubectl("get", "job", "sleep1", "--output=jsonpath={.status.succeeded}") == "3"
    assert cluster.kubectl("logs", "job/sleep1") == f"{LOG_LINE}\n"

    cluster.kubectl("delete", "job", "sleep1", "--cascade=background")
    eventually(lambda: not _pods(cluster, "sleep1"), "the pods are deleted")


def test_a_finished_container_has_the_status_that_a_kubelet_gives_it(cluster: ControlPlane) -> None:
    _create_job(cluster, "finished", run_seconds="0.1")
    cluster.kubectl("wait", "--for=condition=Complete", "job/finished", WAIT)

    (pod,) = _pods(cluster, "finished")
    status = pod["status"]
    (container,) = status["containerStatuses"]
    (first,) = status["initContainerStatuses"]
    assert status["phase"] == "Succeeded"
    assert status["podIP"].startswith("10.244.")
    assert (container["ready"], container["started"]) == (False, False)
    assert container["state"]["terminated"].items() >= {"exitCode": 0, "reason": "Completed"}.items()
    assert {"startedAt", "finishedAt"} < container["state"]["terminated"].keys()
    assert first["state"]["terminated"]["reason"] == "Completed"
    conditions = {each["type"]: (each["status"], each.get("reason")) for each in status["conditions"]}
    assert conditions["Ready"] == ("False", "PodCompleted")
    assert conditions["PodScheduled"] == ("True", None)


def test_a_job_whose_pod_exits_with_an_error_fails(cluster: ControlPlane) -> None:
    _create_job(cluster, "failing", exit_code="3")
    cluster.kubectl("wait", "--for=condition=Failed", "job/failing", WAIT)

    (pod,) = _pods(cluster, "failing")
    terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert pod["status"]["phase"] == "Failed"
    assert terminated.items() >= {"exitCode": 3, "reason": "Error"}.items()


def test_a_pod_that_runs_forever_does_so_until_its_job_is_deleted(cluster: ControlPlane) -> None:
    _create_job(cluster, "endless", run_seconds="forever")
    _create_job(cluster, "short", run_seconds="1.5")
    cluster.kubectl("wait", "--for=condition=Complete", "job/short", WAIT)
    eventually(lambda: _running(cluster, "endless"), "the pod runs")

    (pod,) = _pods(cluster, "endless")
    (container,) = pod["status"]["containerStatuses"]
    assert (container["ready"], list(container["state"])) == (True, ["running"])
    assert cluster.kubectl("get", "job", "endless", "--output=jsonpath={.status.active}") == "1"

    cluster.kubectl("delete", "job", "endless", "--cascade=background")
    eventually(lambda: not _pods(cluster, "endless"), "the pod is deleted")


def test_tokens_certificates_and_roles_are_judged_by_the_real_apiserver(cluster: ControlPlane) -> None:
    token = cluster.kubectl("create", "token", "default").strip()
    users = [
        _review(cluster, "authentication", "TokenReview", token=each)["user"]["username"]
        for each in (cluster.admin_token, cluster.alice_token, token)
    ]
    assert users == ["admin", "alice", "system:serviceaccount:default:default"]

    action = {"verb": "list", "group": "batch", "resource": "jobs", "namespace": "default"}
    question = {"user": "alice", "groups": ["dev"], "resourceAttributes": action}
    assert not _review(cluster, "authorization", "SubjectAccessReview", **question)["allowed"]
    cluster.kubectl("create", "rolebinding", "readers", "--clusterrole=view", "--group=dev")
    eventually(
        lambda: _review(cluster, "authorization", "SubjectAccessReview", **question)["allowed"],
        "the binding takes effect",
    )

    jane = cluster.kubeconfig_for("jane", client=cluster.issue_client("jane", "dev"))
    assert cluster.kubectl(f"--kubeconfig={jane}", "get", "jobs", "--output=name") is not None
    with pytest.raises(KubectlError, match='User "jane" cannot list resource "secrets"'):
        cluster.kubectl(f"--kubeconfig={jane}", "get", "secrets")


def test_a_killed_apiserver_comes_back_on_its_port_and_jobs_go_on(cluster: ControlPlane) -> None:
    _create_job(cluster, "survivor", run_seconds="1")

    cluster.stop_component("kube-apiserver")
    with pytest.raises(KubectlError, match="refused"):
        cluster.kubectl("get", "jobs")
    cluster.start_component("kube-apiserver")

    cluster.kubectl("wait", "--for=condition=Complete", "job/survivor", WAIT)
    assert cluster.ended() == {}


def test_a_paused_apiserver_answers_nothing_until_it_is_resumed(cluster: ControlPlane) -> None:
    cluster.pause_component("kube-apiserver")
    try:
        with pytest.raises(KubectlError, match=r"(?i)timeout|deadline"):
            cluster.kubectl("get", "--raw=/readyz", "--request-timeout=1s")
    finally:
        cluster.resume_component("kube-apiserver")

    assert cluster.kubectl("get", "--raw=/readyz") == "ok"


def test_a_killed_test_run_leaves_neither_processes_nor_files() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        directory, pids = json.loads(child.stdout.readline())
        assert [name for name, pid in pids.items() if not is_running(pid)] == []
        child.kill()

    assert len(pids) == 6
    eventually(lambda: not any(map(is_running, pids.values())), "every component is gone")
    eventually(lambda: not Path(directory).exists(), "the directory is gone")
