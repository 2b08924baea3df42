"""Which form Accept asks for; the apiserver's own choices are those that a 1.36 made when it was asked."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.api.accept import form_of

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
FORMS = {
    "json": [
        "",
        " ",
        "application/json",
        "application/*",
        "*/*",
        "application/json; charset=utf-8",
        "application/json;stream=watch",
        "application/json;stream=",
        "application/json; stream=watch; charset=utf-8;q=0.5",
        "application/json, application/yaml",
        "application/json;q=2, application/yaml",
        "application/yaml;q=0.1, application/json;q=0.2",
        f"application/json, {TABLE}",
        # What browsers and command line tools send.
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "image/png, */*",
        "*/*;q=0.1",
        "application/json, text/event-stream",
        "application/json;q=0.9, text/event-stream;q=0.8",
        "APPLICATION/JSON",
    ],
    "events": [
        "text/event-stream",
        "text/event-stream;charset=utf-8",
        "Text/Event-Stream",
        "text/event-stream, */*",
        "*/*, text/event-stream",
        "text/event-stream, application/json",
        "application/json;q=0.5, text/event-stream",
        "text/plain, text/event-stream",
        "application/json;q=0, text/event-stream;q=0.001",
    ],
    "upstream": [
        "application/yaml",
        "application/yaml, application/json",
        "*/*, application/yaml",
        "application/*, application/yaml",
        "application/json;q=0.1, application/yaml;q=0.9",
        "application/json;q=0, application/yaml",
        "application/json;q=abc, application/yaml",
        "application/json;q=0",
        "application/vnd.kubernetes.protobuf",
        "application/vnd.kubernetes.protobuf, application/json",
        TABLE,
        f"{TABLE}, application/json",
        f"*/*, {TABLE}",
        TABLE.replace("Table", "PartialObjectMetadata"),
        "application/json;as=",
        "application/json;pretty=1",
        "application/json;profile=x",
        "application/json;stream=foo",
        "*/*;stream=foo",
        "image/png",
        "text/*",
        "nonsense",
        ",",
        ";",
        "application/cbor",
    ],
}


@pytest.mark.parametrize(
    ("accept", "form"), [(accept, form) for form, accepts in FORMS.items() for accept in accepts]
)
def test_the_first_form_of_the_best_that_there_is(accept: str, form: str) -> None:
    assert form_of(make_mocked_request("GET", "/", {"Accept": accept})) == form


def test_without_accept_it_is_json() -> None:
    assert form_of(make_mocked_request("GET", "/")) == "json"


def test_several_headers_are_one_list() -> None:
    headers = CIMultiDict([("Accept", "application/json;q=0.5"), ("Accept", "text/event-stream")])
    assert form_of(make_mocked_request("GET", "/", headers)) == "events"
