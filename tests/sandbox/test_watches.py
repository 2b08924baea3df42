"""What watches of the sandbox tell, and from where."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from service.sandbox.store import Store
from tests.callers import Caller
from tests.contract.manifests import suspended
from tests.contract.paths import direct_jobs
from tests.sandbox.stored_jobs import change, create, delete
from tests.sandbox.watching import told, types_and_names, watching

YAML = {"Content-Type": "application/yaml"}
JOBS = direct_jobs("default")
ALL_JOBS = "/apis/batch/v1/jobs"
STREAMING_LIST = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
BLANK = b'"spec":{"template":{"metadata":{},"spec":{"containers":null}}},"status":{}'


async def test_a_watch_without_a_version_begins_with_what_there_is_in_order(sandbox: Caller, store: Store) -> None:
    for name in ("b", "a"):
        create(store, name)
    async with watching(sandbox, JOBS) as watch:
        assert types_and_names(await watch.events(2)) == [("ADDED", "a"), ("ADDED", "b")]
        job = create(store, "c")
        change(store, job, status={"active": 1})
        delete(store, job)
        later = await watch.events(3)
    assert types_and_names(later) == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]
    assert [told(event)[2] for event in later] == [4, 5, 6]
    assert later[2]["object"]["status"] == {"active": 1}


async def test_all_namespaces_are_in_the_order_of_paths_and_one_sees_nothing_of_another(
    sandbox: Caller, store: Store
) -> None:
    for namespace in ("a", "a-b"):
        create(store, "x", namespace)
    async with watching(sandbox, ALL_JOBS) as every, watching(sandbox, direct_jobs("a")) as one:
        assert [each["object"]["metadata"]["namespace"] for each in await every.events(2)] == ["a-b", "a"]
        create(store, "y", "a-b")
        create(store, "z", "a")
        assert types_and_names(await every.events(2)) == [("ADDED", "y"), ("ADDED", "z")]
        assert types_and_names(await one.events(2)) == [("ADDED", "x"), ("ADDED", "z")]


async def test_a_watch_from_a_version_tells_what_happened_since(sandbox: Caller, store: Store) -> None:
    job = create(store, "a")
    then = job["metadata"]["resourceVersion"]
    change(store, job, status={"active": 1})
    delete(store, job)
    async with watching(sandbox, JOBS, f"resourceVersion={then}") as watch:
        assert [told(event) for event in await watch.events(2)] == [("MODIFIED", "a", 3), ("DELETED", "a", 4)]


async def test_a_line_is_what_a_real_apiserver_writes(sandbox: Caller, store: Store) -> None:
    job = create(store, "a", made="<here>")
    async with watching(sandbox, JOBS, "pretty=true", {"User-Agent": "curl/8", "Accept-Encoding": "gzip"}) as watch:
        line = await watch.line()
        headers = watch.response.headers
    expected = json.dumps(
        {"type": "ADDED", "object": {"kind": "Job", "apiVersion": "batch/v1"}}, separators=(",", ":")
    )
    assert line.startswith(expected[:-2].encode() + b',"metadata":{"name":"a",')
    assert b'"labels":{"made":"\\u003chere\\u003e"}' in line
    assert line.endswith(b"}}\n")
    assert json.loads(line)["object"] == job
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("application/json", "no-cache, private")
    assert headers["Transfer-Encoding"] == "chunked"
    assert "Content-Encoding" not in headers


async def test_what_leaves_a_selector_is_deleted_as_it_was_and_what_enters_it_is_added(
    sandbox: Caller, store: Store
) -> None:
    async with watching(sandbox, JOBS, f"resourceVersion=1&labelSelector={quote('a=1', safe='')}") as watch:
        job = create(store, "x", a="1")
        job = change(store, job, labels={"a": "2"}, status={"active": 1})
        job = change(store, job, status={"active": 2})
        job = change(store, job, labels={"a": "1"})
        delete(store, job)
        events = await watch.events(4)
    assert [told(event) for event in events] == [
        ("ADDED", "x", 2), ("DELETED", "x", 3), ("ADDED", "x", 5), ("DELETED", "x", 6)
    ]  # fmt: skip
    left = events[1]["object"]
    assert (left["metadata"]["labels"], left["status"]) == ({"a": "1"}, {})


async def test_a_field_selector_follows_the_status(sandbox: Caller, store: Store) -> None:
    none, one = (f"resourceVersion=1&fieldSelector=status.successful%3D{count}" for count in (0, 1))
    async with watching(sandbox, JOBS, none) as without, watching(sandbox, JOBS, one) as with_success:
        change(store, create(store, "x"), status={"succeeded": 1})
        left = await without.events(2)
        entered = await with_success.event()
    assert [told(event) for event in left] == [("ADDED", "x", 2), ("DELETED", "x", 3)]
    assert left[1]["object"]["status"] == {}
    assert (told(entered), entered["object"]["status"]) == (("ADDED", "x", 3), {"succeeded": 1})


@pytest.mark.parametrize(
    "query", [STREAMING_LIST, "allowWatchBookmarks=true", f"{STREAMING_LIST}&resourceVersion=1"]
)
async def test_a_bookmark_says_where_the_initial_events_end(sandbox: Caller, store: Store, query: str) -> None:
    create(store, "a")
    create(store, "b", "other")
    async with watching(sandbox, JOBS, query) as watch:
        assert told(await watch.event()) == ("ADDED", "a", 2)
        metadata = b'{"resourceVersion":"3","annotations":{"k8s.io/initial-events-end":"true"}}'
        object_ = b'{"kind":"Job","apiVersion":"batch/v1","metadata":' + metadata + b"," + BLANK + b"}"
        assert await watch.line() == b'{"type":"BOOKMARK","object":' + object_ + b"}\n"


async def test_initial_events_can_be_left_out(sandbox: Caller, store: Store) -> None:
    create(store, "a")
    query = STREAMING_LIST.replace("=true", "=false", 1)
    async with watching(sandbox, JOBS, query) as watch:
        create(store, "b")
        assert told(await watch.event()) == ("ADDED", "b", 3)


async def test_a_bookmark_comes_where_something_happened_that_the_watch_does_not_tell(
    sandbox: Caller, store: Store
) -> None:
    async with watching(sandbox, JOBS, "resourceVersion=1&allowWatchBookmarks=true") as watch:
        create(store, "a", "other")
        metadata = b'{"resourceVersion":"2"}'
        object_ = b'{"kind":"Job","apiVersion":"batch/v1","metadata":' + metadata + b"," + BLANK + b"}"
        assert await watch.line() == b'{"type":"BOOKMARK","object":' + object_ + b"}\n"
        create(store, "b")
        while told(event := await watch.event()) == ("BOOKMARK", "", 2):
            pass
        assert told(event) == ("ADDED", "b", 3)


async def test_a_version_of_the_future_leaves_out_what_is_before_it(sandbox: Caller, store: Store) -> None:
    async with watching(sandbox, JOBS, "resourceVersion=3&allowWatchBookmarks=true") as watch:
        for name in "abc":
            create(store, name)
        assert told(await watch.event()) == ("ADDED", "c", 4)


async def test_a_table_names_its_columns_once(sandbox: Caller, store: Store) -> None:
    create(store, "a")
    async with watching(sandbox, JOBS, "allowWatchBookmarks=true&includeObject=None", TABLE) as watch:
        first, bookmark = (each["object"] for each in await watch.events(2))
    assert [column["name"] for column in first["columnDefinitions"]][:2] == ["Name", "Status"]
    assert (first["rows"][0]["cells"][0], first["rows"][0]["object"]) == ("a", None)
    assert bookmark["columnDefinitions"] is None
    assert bookmark["rows"][0]["cells"] == ["", "Running", "0/1", "", "<unknown>", "", "", "<none>"]
    assert bookmark["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("path", "cells"),
    [
        ("pods", ["", "0/0", "", "0", "<unknown>", *["<none>"] * 4]),
        ("events", ["<unknown>", "", "", "", "", "", "", "<unknown>", 1, ""]),
    ],
)
async def test_a_bookmark_of_another_kind_is_a_row_too(sandbox: Caller, path: str, cells: list[Any]) -> None:
    async with watching(sandbox, f"/api/v1/{path}", STREAMING_LIST, TABLE) as watch:
        event = await watch.event()
    assert (event["type"], event["object"]["rows"][0]["cells"]) == ("BOOKMARK", cells)


async def test_only_metadata_is_told_where_no_more_is_asked_for(sandbox: Caller, store: Store) -> None:
    job = create(store, "a")
    partial = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    of = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    async with watching(sandbox, JOBS, "allowWatchBookmarks=true", partial) as watch:
        first, bookmark = (each["object"] for each in await watch.events(2))
    assert first == {**of, "metadata": job["metadata"]}
    end = {"k8s.io/initial-events-end": "true"}
    assert bookmark == {**of, "metadata": {"resourceVersion": "2", "annotations": end}}


async def test_pods_and_events_can_be_watched(sandbox: Caller) -> None:
    manifest = suspended("one").replace(b"suspend: true", b"suspend: false")
    manifest = manifest.replace(b"image: busybox", b"image: busybox, command: [echo, hi]")
    of_job = "fieldSelector=involvedObject.name%3Done"
    pods, events = "/api/v1/namespaces/default/pods", "/api/v1/events"
    async with watching(sandbox, pods) as of_pods, watching(sandbox, events, of_job) as of_events:
        assert (await sandbox("POST", JOBS, manifest, YAML)).status == 201
        phases: list[str] = []
        while phases[-1:] != ["Succeeded"]:
            event = await of_pods.event()
            assert event["object"]["kind"] == "Pod"
            phases.append(event["object"]["status"]["phase"])
        assert phases[0] == "Pending"
        reasons = [each["object"]["reason"] for each in await of_events.events(2)]
    assert reasons == ["SuccessfulCreate", "Completed"]
