"""The OpenAPI document says what the routes declare, and is one by its own rules."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.access.rights import RIGHTS
from service.api.delete_options import DeleteOptions, Preconditions, merged
from service.api.openapi.document import document
from service.api.operations import Operation
from service.api.routes import OPEN_ROUTES, OPERATIONS, PAGES, ROUTES
from tests.cache.conftest import StartFront
from tests.callers import assert_is_status
from tests.contract.paths import job
from tests.upstream import json_answer

DOCUMENT = document(OPERATIONS, by_token=True)
VALUES = ("", "0", "a", "-", "A", "a.b", "1s", "\0", "2026-01-31T12:00:00Z", "condition=A")
CALLS = [(path, method, call) for path, item in DOCUMENT["paths"].items() for method, call in item.items()]


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_but_the_pages_is_described_and_no_other() -> None:
    told = {(method.upper(), path) for path, method, _ in CALLS}
    assert told == {(each.method, each.path) for each in ROUTES if each not in PAGES}


def test_what_takes_no_token_says_so() -> None:
    assert {path for path, _, call in CALLS if call.get("security") == []} == {
        each.path for each in OPEN_ROUTES if each not in PAGES
    }
    assert DOCUMENT["security"] == [{"bearer": []}]
    assert document(OPERATIONS, by_token=False)["security"] == []


def test_every_call_says_which_rights_it_takes() -> None:
    told = {call for _, _, operation in CALLS for call in operation.get("x-rights", ())}
    assert told == set(RIGHTS)


def test_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in CALLS]
    assert sorted(ids) == sorted(set(ids))


def test_every_reference_leads_somewhere() -> None:
    for pointer in set(re.findall(r"'\$ref': '#/([^']+)'", str(DOCUMENT))):
        place: Any = DOCUMENT
        for part in pointer.split("/"):
            assert part in place, pointer
            place = place[part]


def test_every_answer_that_has_a_job_leads_to_all_that_can_be_asked_of_one() -> None:
    about_a_job = {call["operationId"] for path, _, call in CALLS if path.startswith(job("{namespace}", "{name}"))}
    answered = {
        (call["operationId"], code): set(answer["links"])
        for _, _, call in CALLS
        for code, answer in call["responses"].items()
        if "links" in answer
    }
    assert answered == {
        ("createJob", "201"): about_a_job,
        ("createJob", "200"): about_a_job,
        ("listJobs", "200"): about_a_job,
        ("listAllJobs", "200"): about_a_job,
        ("deleteJob", "200"): {"waitForJob"},
        ("deleteJob", "202"): {"waitForJob"},
        ("listJobPods", "200"): {"readJobLog"},
    }


@pytest.mark.parametrize(("path", "call"), [(path, call) for path, _, call in CALLS])
def test_a_link_has_all_that_its_call_must_be_told_and_nothing_unknown(path: str, call: dict[str, Any]) -> None:
    told = {other["operationId"]: other["parameters"] for _, _, other in CALLS}
    for link in [each for answer in call["responses"].values() for each in answer.get("links", {}).values()]:
        parameters = told[link["operationId"]]
        assert {each["name"] for each in parameters if each.get("required")} <= link["parameters"].keys()
        assert link["parameters"].keys() <= {each["name"] for each in parameters if each["in"] != "header"}
        for value in link["parameters"].values():
            of_the_path = re.fullmatch(r"\$request\.path\.(\w+)", value)
            assert of_the_path is None or f"{{{of_the_path[1]}}}" in path


def test_delete_options_are_told_as_they_are_read() -> None:
    for struct in (DeleteOptions, Preconditions):
        told = DOCUMENT["components"]["schemas"][struct.__name__]
        assert told["properties"].keys() == {each.name for each in msgspec.structs.fields(struct)}
        assert told["additionalProperties"] is False
    policy = DOCUMENT["components"]["schemas"]["DeleteOptions"]["properties"]["propagationPolicy"]
    assert all(merged({}, msgspec.json.encode({"propagationPolicy": value})) for value in policy["enum"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_what_the_document_says_of_a_parameter_is_what_is_checked(operation: Operation) -> None:
    """Each example and default passes its own check, and what its schema excludes is refused."""
    for parameter in (*operation.query.values(), *operation.path_parameters):
        for value in (parameter.default, parameter.example):
            assert value is None or parameter.accepts(value), (parameter.name, value)
        match dict(parameter.schema):
            case {"enum": [*choices]}:
                assert all(parameter.accepts(choice) for choice in choices)
                assert not parameter.accepts("none of them")
            case {"type": "integer", **bounds}:
                for bound, beyond in (("minimum", -1), ("maximum", 1)):
                    limit = bounds.get(bound)
                    assert limit is None or parameter.accepts(str(limit))
                    assert limit is None or not parameter.accepts(str(limit + beyond))
                assert not parameter.accepts("1.5")
            case {"pattern": pattern}:
                assert all(re.fullmatch(pattern, value) or not parameter.accepts(value) for value in VALUES)
            case {"type": "boolean"}:
                assert parameter.accepts("true")
                assert not parameter.accepts("yes")
            case other:
                raise AssertionError(other)


def schemas_in(place: object) -> Iterable[dict[str, Any]]:
    """Return every part of the document that may be a schema."""
    if isinstance(place, dict):
        yield place
    for each in place.values() if isinstance(place, dict) else place if isinstance(place, list) else ():
        yield from schemas_in(each)


def test_an_object_says_which_fields_it_has_or_that_it_may_have_any() -> None:
    """To generators of TypeScript one that says nothing is empty."""
    objects = [each for each in schemas_in(DOCUMENT) if each.get("type") == "object"]
    assert objects
    assert [each for each in objects if not each.keys() & {"properties", "additionalProperties"}] == []


async def test_it_is_served_to_anybody_and_only_when_it_has_changed(front: StartFront) -> None:
    async def upstream(_: object) -> bytes:
        return json_answer(401, b"{}")

    service = await front(upstream, auth_mode="passthrough")
    assert_is_status(await service.api("GET", job("default", "one")), 401, "Unauthorized")
    answer = await service.api("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.json == DOCUMENT
    again = await service.api("GET", "/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
