"""A Job as the service keeps it: the apiserver's bytes, and the few fields that are looked at."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kube.jobs import Condition, read_job, read_page, resource_version_of, with_resource_version

ONE = {
    "kind": "Job",
    "apiVersion": "batch/v1",
    "metadata": {
        "name": "one",
        "namespace": "default",
        "uid": "8d6c",
        "resourceVersion": "18446744073709551615",
        "labels": {"a": "x"},
        "managedFields": [{"manager": "kubectl"}],
    },
    "spec": {"parallelism": 1},
    "status": {
        "succeeded": 2,
        "conditions": [{"type": "Complete", "status": "True", "reason": "Enough", "message": "Two are enough"}],
    },
}


def test_a_job_is_kept_as_its_bytes_and_a_few_fields() -> None:
    raw = msgspec.json.encode(ONE)
    job = read_job(raw + b"\n")
    assert job.raw == raw
    assert (job.namespace, job.name, job.uid, job.resource_version) == ("default", "one", "8d6c", 2**64 - 1)
    assert job.labels == {"a": "x"}
    assert job.conditions == (Condition("Complete", "True", "Enough", "Two are enough"),)
    assert job.fields == {
        "metadata.name": "one",
        "metadata.namespace": "default",
        "status.successful": "2",
    }


def test_what_a_job_lacks_is_empty() -> None:
    for raw in (b'{"kind":"Job"}', b'{"kind":"Job","metadata":{"labels":null},"status":{"conditions":null}}'):
        job = read_job(raw)
        assert (job.name, job.resource_version, job.labels, job.conditions) == ("", 0, {}, ())
        assert job.fields["status.successful"] == "0"


def test_an_item_of_a_list_gets_its_kind_and_apiversion() -> None:
    item = {key: value for key, value in ONE.items() if key not in {"kind", "apiVersion"}}
    job = read_job(b"  " + msgspec.json.encode(item) + b"\n")
    assert job.raw == msgspec.json.encode(ONE)


NO_OBJECTS = [b"", b"no JSON", b"[]", b'"text"', b"null", b"{", b'{"metadata":[]}', b"\xff"]
NO_VERSIONS = [b'{"metadata":{"resourceVersion":"soon"}}', b'{"metadata":{"resourceVersion":""}}']
NO_JOBS = [
    b'{"metadata":{"name":1}}', b'{"metadata":{"name":"\xff"}}', b'{"metadata":{"labels":{"a":1}}}',
    b'{"status":{"conditions":{}}}', b'{"status":{"succeeded":"2"}}',
]  # fmt: skip


@pytest.mark.parametrize("raw", [*NO_OBJECTS, *NO_VERSIONS, *NO_JOBS])
def test_what_is_no_job_raises_one_kind_of_error(raw: bytes) -> None:
    for read in (read_job, resource_version_of) if raw in NO_JOBS else (read_job, resource_version_of, read_page):
        with pytest.raises(msgspec.DecodeError):
            read(raw)


def test_a_page_is_a_moment_a_token_and_its_jobs() -> None:
    item = b'{"metadata":{"name":"%s","resourceVersion":"7"},"spec":{}}'
    raw = b'{"kind":"JobList","metadata":{"resourceVersion":"9","continue":"more"},"items":[%s, %s]}'
    page = read_page(raw % (item % b"one", item % b"two"))
    assert (page.resource_version, page.continue_token) == (9, "more")
    assert [(job.name, job.resource_version) for job in page.jobs] == [("one", 7), ("two", 7)]
    assert page.jobs[0].raw == b'{"kind":"Job","apiVersion":"batch/v1",' + (item % b"one")[1:]
    for items in (b"", b',"items":null', b',"items":[]'):
        page = read_page(b'{"metadata":{"resourceVersion":"9"}%s}' % items)
        assert (page.resource_version, page.continue_token, page.jobs) == (9, "", ())


def test_an_item_that_is_no_job_spoils_its_page() -> None:
    for item in (b"1", b'{"metadata":{"name":"\xff"}}', b'{"metadata":{"resourceVersion":"x"}}'):
        with pytest.raises(msgspec.DecodeError):
            read_page(b'{"metadata":{"resourceVersion":"9"},"items":[%s]}' % item)


def _written(members: dict[str, bytes]) -> bytes:
    return b"{%s}" % b" , ".join(msgspec.json.encode(key) + b" : " + value for key, value in members.items())


SCALARS = st.one_of(
    st.sampled_from([b"1.50", b"-0", b"1e400", b"12345678901234567890", b"true", b"null", b'"\\u00e9\\/"']),
    st.text(max_size=8).map(msgspec.json.encode),
)
VALUES = st.recursive(
    SCALARS,
    lambda each: st.one_of(
        st.lists(each, max_size=3).map(lambda values: b"[ %s]" % b" , ".join(values)),
        st.dictionaries(st.text(max_size=4), each, max_size=3).map(_written),
    ),
    max_leaves=5,
)
KEYS = st.text(max_size=6).filter(lambda key: key not in {"metadata", "resourceVersion"})


def values_of(raw: bytes) -> dict[str, bytes]:
    decoded = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return {key: bytes(value) for key, value in decoded.items()}


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4), st.integers(0, 2**64))
def test_another_resource_version_leaves_every_other_byte_of_a_value(
    members: dict[str, bytes], metadata: dict[str, bytes], version: int
) -> None:
    before: Any = {**members, "metadata": _written({**metadata, "resourceVersion": b'"7"'})}
    after = values_of(with_resource_version(_written(before), version))
    assert list(after) == list(before)
    assert {key: after[key] for key in members} == members
    changed = values_of(after["metadata"])
    assert changed.pop("resourceVersion") == b'"%d"' % version
    assert changed == metadata
