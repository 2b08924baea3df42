"""Every error of ours is a metav1.Status."""

import json

import pytest

from service import errors
from service.errors import ApiError, reason_of


def test_a_status_has_the_apiservers_keys_in_its_order() -> None:
    status = ApiError("what and how", code=404, details={"name": "a"}).status()
    assert list(json.loads(status)) == [
        "kind",
        "apiVersion",
        "metadata",
        "status",
        "message",
        "reason",
        "details",
        "code",
    ]
    assert "details" not in json.loads(ApiError("no details").status())


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (400, "BadRequest"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (405, "MethodNotAllowed"),
        (406, "NotAcceptable"),
        (413, "RequestEntityTooLarge"),
        (415, "UnsupportedMediaType"),
        (422, "Invalid"),
        (429, "TooManyRequests"),
        (431, "RequestHeaderFieldsTooLarge"),
        (500, "InternalError"),
        (502, "BadGateway"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
        (599, "Unknown"),
    ],
)
def test_each_code_has_its_reason(code: int, reason: str) -> None:
    assert reason_of(code) == reason
    assert json.loads(ApiError("text", code=code).status())["reason"] == reason


def test_what_may_be_tried_again_says_when_and_an_unknown_outcome_does_not() -> None:
    assert errors.ServiceUnavailable("text").headers == {"Retry-After": "1"}
    assert "Retry-After" not in errors.Timeout("text").headers
