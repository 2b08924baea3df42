"""Whatever the fields of a manifest say, the sandbox has an answer."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import ApiError
from service.sandbox.admission.admit import admit
from service.sandbox.admission.schema import Type, fields_of

_TEXTS = st.sampled_from(("", "a", "B", "a.b/c", "1", "Never", "In", "Indexed", "100m", "metadata.name"))
_NUMBERS = st.sampled_from((0, 1, 3, -1, 80, 2**31 - 1))
_WRONG = st.sampled_from((None, [], {}, "a", 1.5, [None], {"a": None}))
_DEPTH = 5


def _values(of: Type, depth: int) -> st.SearchStrategy[Any]:
    """Return values for a type; few of them are of another type."""
    if depth > _DEPTH:
        return _WRONG
    match of.kind:
        case "struct":
            right = _structs(of.struct, depth)
        case "list" if of.element:
            right = st.lists(_values(of.element, depth + 1), max_size=2)
        case "map" if of.element:
            right = st.dictionaries(_TEXTS, _values(of.element, depth + 1), max_size=2)
        case "integer":
            right = _NUMBERS
        case "boolean":
            right = st.booleans()
        case _:
            right = _TEXTS | _NUMBERS
    return st.one_of(right, right, right, _WRONG)


def _structs(struct: str, depth: int) -> st.SearchStrategy[Any]:
    fields = fields_of(struct)
    chosen = st.lists(st.sampled_from(list(fields)), max_size=4, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: _values(fields[name].type, depth + 1) for name in names})
    )


def _code(body: bytes) -> int:
    try:
        admit(body, namespace="a", field_validation="Warn", field_manager="b")
    except ApiError as error:
        return error.code
    return 201


@pytest.mark.parametrize(
    ("path", "struct"),
    [
        (("metadata",), "V1ObjectMeta"),
        (("spec",), "V1JobSpec"),
        (("spec", "template", "spec"), "V1PodSpec"),
        (("spec", "template", "spec", "containers"), "V1Container"),
        (("spec", "template", "spec", "volumes"), "V1Volume"),
    ],
)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_manifest_is_a_job_or_an_error_of_the_apiserver(
    data: st.DataObject, path: tuple[str, ...], struct: str
) -> None:
    value: Any = data.draw(_structs(struct, 0))
    for name in reversed(path):
        value = {name: [value] if name in ("containers", "volumes") else value}
    assert _code(json.dumps(value).encode()) in (201, 400, 422)
