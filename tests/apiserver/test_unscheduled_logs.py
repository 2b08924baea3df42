"""The log of a pod that no node takes, which the sandbox does not have."""

import msgspec
import pytest

from tests.callers import Caller, assert_is_status
from tests.contract.logged import create, log, name_of, pods_in, printing

pytestmark = pytest.mark.cluster


async def test_why_a_pod_has_no_node_is_told(api: Caller, direct: Caller, namespace: str) -> None:
    manifest = msgspec.json.decode(printing("one", "echo a"))
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {"nobody": "has-it"}
    await create(direct, namespace, msgspec.json.encode(manifest))
    (pod,) = await pods_in(direct, namespace, 1, "Pending")
    for query in ("", f"pod={name_of(pod)}", f"pod={name_of(pod)}&prefix=true"):
        refused = assert_is_status(await api("GET", log(namespace, "one", query)), 400, "BadRequest")
        (cause,) = refused["details"]["causes"]
        assert cause["field"] == f"pod/{name_of(pod)}/main"
        assert cause["message"].startswith("the pod is not scheduled yet")
