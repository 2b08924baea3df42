"""What the documentation tries out; all of it works on the sandbox."""

from collections.abc import Mapping
from typing import Any

MANIFEST: Mapping[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "sleep1"},
    "spec": {
        "completions": 3,
        "template": {
            "spec": {
                "containers": [{"name": "sleep", "image": "busybox", "command": ["echo", "220"]}],
                "restartPolicy": "Never",
            }
        },
    },
}

# A page would make one of the schema, with every field there is, and what the query says differently is refused.
DELETE_OPTIONS: Mapping[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
