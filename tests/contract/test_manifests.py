"""Manifests, good and bad: both backends answer them through the service as the real apiserver once did."""

from urllib.parse import urlencode

from service.errors import BadRequest
from service.manifests import look
from service.sandbox.admission.unsupported import unsupported_reason
from tests.callers import Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.paths import jobs
from tests.sandbox.admission_answers import MANAGER, Answer, comparable, recorded, warning_texts
from tests.sandbox.admission_table import CASES, Case


def is_refused_by_the_look(case: Case) -> bool:
    try:
        look(case.body, "default")
    except BadRequest:
        return True
    return False


def is_beyond_the_sandbox(expected: Answer) -> bool:
    """Tell whether a Job is one that the apiserver takes and the sandbox cannot run, which it says with 501."""
    return expected["code"] == 201 and unsupported_reason(expected["body"]) is not None


async def test_every_manifest_that_passes_the_look_is_answered_field_by_field_as_recorded(
    api: Caller, real_backend: Backend | None
) -> None:
    expected = recorded()
    differing, compared = {}, 0
    for name, case in CASES.items():
        query = urlencode({"dryRun": "All", "fieldManager": MANAGER, "fieldValidation": case.field_validation})
        answer = await api("POST", f"{jobs('default')}?{query}", case.body)
        if is_refused_by_the_look(case):
            assert_is_status(answer, 400, "BadRequest")
            continue
        if real_backend is None and is_beyond_the_sandbox(expected[name]):
            assert_is_status(answer, 501, "NotImplemented")
            continue
        compared += 1
        warnings = warning_texts(", ".join(answer.headers.getall("Warning", ())))
        found = comparable(case, answer.status, warnings, answer.json)
        if found != expected[name]:
            differing[name] = (found, expected[name])
    assert not differing
    assert compared > 0.8 * len(CASES)
