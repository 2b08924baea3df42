"""Manifests that the contract tests send."""

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
