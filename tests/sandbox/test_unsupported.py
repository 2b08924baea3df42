"""The sandbox names what it cannot run."""

import pytest

from service.sandbox.admission.unsupported import unsupported_reason
from tests.sandbox.virtual_time import complete_job, running


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        ({}, None),
        ({"nodeSelector": {"disk": "ssd"}}, "spec.template.spec.nodeSelector"),
        ({"schedulerName": "mine"}, "spec.template.spec.schedulerName: mine"),
        (
            running("true", livenessProbe={"tcpSocket": {"port": 1}}),
            "spec.template.spec.containers[0].livenessProbe",
        ),
        (
            running("true", env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            "spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef",
        ),
        ({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, "spec.template.spec.volumes[0].configMap"),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, None),
    ],
)
def test_what_cannot_be_run_is_named(pod: dict[str, object], reason: str | None) -> None:
    assert unsupported_reason(complete_job("any", pod)) == reason


def test_what_another_controller_runs_is_not_looked_at() -> None:
    job = complete_job("any", {"nodeSelector": {"disk": "ssd"}}, managedBy="example.com/other")
    assert unsupported_reason(job) is None
