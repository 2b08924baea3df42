"""Manifests that the contract tests send."""

from typing import Any

import msgspec

SLEEP1 = b"""\
apiVersion: batch/v1
kind: Job
metadata:
  name: sleep1
spec:
  completions: 3
  template:
    spec:
      containers:
        - name: sleep
          image: busybox
          command: [echo, "220"]
      restartPolicy: Never
"""


def suspended(name: str, labels: str = "{}") -> bytes:
    """Return a Job that no controller makes pods for, so that it stays as it is once it says Suspended."""
    return f"""\
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  labels: {labels}
spec:
  suspend: true
  template:
    spec:
      containers: [{{name: main, image: busybox}}]
      restartPolicy: Never
""".encode()


def ending(name: str, exit_code: int = 0, seconds: float = 0, **spec: Any) -> bytes:
    """Return a Job of one pod that ends so; the annotations are for the fake node, the command for the sandbox."""
    annotations = {"job-api.test/run-seconds": str(seconds), "job-api.test/exit-code": str(exit_code)}
    command = ["sh", "-c", f"sleep {seconds}; exit {exit_code}"]
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox", "command": command}]}
    return msgspec.json.encode(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {**spec, "template": {"metadata": {"annotations": annotations}, "spec": pod}},
        }
    )
