"""Section 5 of the contract: which Jobs a watch is about, and in which form. With the cache and without it."""

import re
from contextlib import AsyncExitStack

import msgspec
import pytest

from service.sandbox.store import Store
from tests.callers import Caller
from tests.contract.job_changes import brief, create, create_from, delete, relabel
from tests.contract.paths import direct_job, direct_jobs, jobs
from tests.contract.served import Served
from tests.contract.watching import Event, opened, present, selecting, watching

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = TABLE.replace("Table", "PartialObjectMetadata")
NO_FORMS = (
    "application/yaml",
    "application/yaml, application/json",
    "*/*, application/yaml",
    "application/json;stream=foo",
    "application/json;as=Foo;v=v1;g=meta.k8s.io",
    "image/png",
)
# What each selects of a (tier: front, size: 1), b (tier: back), c (size: 22) and d (no label of ours).
LABELS = {
    "tier=front": "a",
    "tier==back": "b",
    "tier!=front": "bcd",
    "tier in (front,back)": "ab",
    "tier in (back)": "b",
    "tier notin (front)": "bcd",
    "tier notin (front,back)": "cd",
    "tier": "ab",
    "!tier": "cd",
    "size>1": "c",
    "size<22": "a",
    "tier,size": "a",
    "tier=front,size!=1": "",
}
FIELDS = {
    "metadata.name=a": "a",
    "metadata.name!=a": "bcd",
    "metadata.namespace=NAMESPACE": "abcd",
    "metadata.namespace!=NAMESPACE": "",
    "metadata.namespace=another": "",
    "status.successful=0": "abcd",
    "status.successful!=0": "",
    "metadata.name!=a,metadata.name!=b": "cd",
}
INVALID = ["labelSelector=a%20b", "labelSelector=a+in+b", "fieldSelector=spec.a%3Db", "fieldSelector=metadata.name"]


@pytest.fixture
def api(served: Served) -> Caller:
    return served.api


def selectors(namespace: str) -> dict[str, str]:
    return {
        **{selecting(labels=labels): names for labels, names in LABELS.items()},
        **{selecting(fields=fields.replace("NAMESPACE", namespace)): names for fields, names in FIELDS.items()},
        selecting("tier", "metadata.name!=a"): "b",
    }


async def test_selectors_choose_of_the_present_and_of_what_comes(
    api: Caller, direct: Caller, namespace: str
) -> None:
    since = await present(api, namespace)
    await create(direct, namespace, "a", labels='{tier: front, size: "1"}')
    await create(direct, namespace, "b", labels="{tier: back}")
    await create(direct, namespace, "c", labels='{size: "22"}')
    await create(direct, namespace, "d")
    for query, names in selectors(namespace).items():
        for start in (f"&resourceVersion={since}", "&sendInitialEvents=1&resourceVersionMatch=NotOlderThan"):
            async with watching(api, jobs(namespace), query + start) as watch:
                told = [event.told for event in await watch.take(len(names))]
            assert told == [("ADDED", name) for name in names], query


async def test_what_is_not_selected_is_not_told(
    api: Caller, direct: Caller, namespace: str, changeable: Store | None
) -> None:
    """What comes next, after all that is to be left out, is what is told next."""
    await create(direct, namespace, "a", labels="{tier: front}")
    await create(direct, namespace, "b", labels="{tier: back}")
    async with (
        watching(api, jobs(namespace), selecting("tier=front")) as by_label,
        watching(api, jobs(namespace), selecting(fields="metadata.name=a")) as by_name,
    ):
        assert (await by_label.next()).name == (await by_name.next()).name == "a"
        await create(direct, namespace, "c")
        await relabel(direct, changeable, namespace, "b", {"tier": "middle"})
        await delete(direct, namespace, "b")
        last = await relabel(direct, changeable, namespace, "a", {"more": "x"})
        for watch in (by_label, by_name):
            event = await watch.next()
            assert (event.type, event.name, event.resource_version) == ("MODIFIED", "a", last)


async def test_who_enters_is_added_and_who_leaves_is_deleted_as_it_was_when_it_left(
    api: Caller, direct: Caller, namespace: str, changeable: Store | None
) -> None:
    await create(direct, namespace, "a", labels="{tier: front, colour: red}")
    query = selecting("tier=front")
    async with watching(api, jobs(namespace), query) as watch:
        assert (await watch.next()).told == ("ADDED", "a")
        before = msgspec.json.decode((await direct("GET", direct_job(namespace, "a"))).body)
        left = await relabel(direct, changeable, namespace, "a", {"tier": "back", "colour": "blue"})
        await relabel(direct, changeable, namespace, "a", {"colour": "green"})
        entered = await relabel(direct, changeable, namespace, "a", {"tier": "front"})
        changed = await relabel(direct, changeable, namespace, "a", {"colour": None})
        events = await watch.take(3)
    assert [(event.type, event.resource_version) for event in events] == [
        ("DELETED", left),
        ("ADDED", entered),
        ("MODIFIED", changed),
    ]
    before["metadata"]["resourceVersion"] = str(left)
    assert events[0].json == before


async def test_success_enters_and_leaves(api: Caller, direct: Caller, namespace: str) -> None:
    async with (
        watching(api, jobs(namespace), selecting(fields="status.successful=0")) as without,
        watching(api, jobs(namespace), selecting(fields="status.successful=1")) as with_success,
    ):
        await create_from(direct, namespace, brief("a"))
        unfinished = await without.events_until(lambda event: event.type == "DELETED")
        success = await with_success.next()
    *earlier, left = unfinished
    assert earlier[0].type == "ADDED"
    assert all(event.type == "MODIFIED" for event in earlier[1:])
    assert success.type == "ADDED"
    assert success.json["status"]["succeeded"] == 1
    # One change: it leaves here, as it was, and enters there.
    assert left.resource_version == success.resource_version
    before = earlier[-1].json
    before["metadata"]["resourceVersion"] = str(left.resource_version)
    assert left.json == before


async def test_an_invalid_selector_is_400_in_the_apiservers_words(
    api: Caller, direct: Caller, namespace: str
) -> None:
    for query in (*INVALID, f"{INVALID[0]}&resourceVersion=0", f"{INVALID[2]}&resourceVersion=5"):
        ours = await api("GET", f"{jobs(namespace)}?watch=true&{query}")
        theirs = await direct("GET", f"{direct_jobs(namespace)}?watch=true&{query}")
        assert (ours.status, ours.body) == (theirs.status, theirs.body), query
        assert ours.status == 400


async def test_a_form_that_only_the_apiserver_has_is_relayed(api: Caller, direct: Caller, namespace: str) -> None:
    since = await present(api, namespace)
    await create(direct, namespace, "a", "b", labels="{tier: front}")
    await delete(direct, namespace, "b")
    start, label = f"resourceVersion={since}", selecting("tier=front")
    for accept, query in (
        (TABLE, start),
        (TABLE, f"{start}&includeObject=Object&{label}"),
        (TABLE, "allowWatchBookmarks=true&includeObject=None"),
        (PARTIAL, f"{start}&{label}"),
        (f"{PARTIAL}, application/json", "allowWatchBookmarks=true"),
        ("application/json;pretty=1", start),
    ):
        count = 3 if start in query else 2
        async with AsyncExitStack() as both:
            ours = await both.enter_async_context(watching(api, jobs(namespace), query, {"Accept": accept}))
            theirs = await both.enter_async_context(
                watching(direct, direct_jobs(namespace), query, {"Accept": accept})
            )
            assert timeless(await ours.take(count)) == timeless(await theirs.take(count)), accept
            assert ours.response.headers["Content-Type"] == theirs.response.headers["Content-Type"]


def timeless(events: list[Event]) -> list[Event]:
    """Return events without the ages that a Table tells, and without the moment that a bookmark does."""
    masked = [(event.type, re.sub(rb'"\d+s"', b"AGE", event.object)) for event in events]
    return [
        Event(type_, re.sub(rb'"\d+"', b"", content) if type_ == "BOOKMARK" else content)
        for type_, content in masked
    ]


async def test_a_form_that_no_watch_has_is_406_in_the_apiservers_words(
    api: Caller, direct: Caller, namespace: str
) -> None:
    for accept in NO_FORMS:
        theirs = await direct("GET", f"{direct_jobs(namespace)}?watch=true", headers={"Accept": accept})
        ours = await api("GET", f"{jobs(namespace)}?watch=true&timeoutSeconds=1", headers={"Accept": accept})
        assert ours.status == theirs.status == 406, accept
        if theirs.headers["Content-Type"].startswith("text/"):
            assert ours.json["reason"] == "NotAcceptable"  # no Status, so it becomes one
        else:
            assert (ours.body, ours.headers["Content-Type"]) == (theirs.body, theirs.headers["Content-Type"])


async def test_protobuf_is_relayed_where_the_apiserver_has_it(api: Caller, direct: Caller, namespace: str) -> None:
    since = await present(api, namespace)
    await create(direct, namespace, "a", "b")
    asked = f"resourceVersion={since}", {"Accept": "application/vnd.kubernetes.protobuf"}
    async with (
        opened(api, jobs(namespace), *asked) as ours,
        opened(direct, direct_jobs(namespace), *asked) as theirs,
    ):
        assert ours.status == theirs.status
        assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
        if theirs.status != 200:
            assert await ours.read() == await theirs.read()
            return
        for _ in range(2):
            size = int.from_bytes(await theirs.content.readexactly(4))
            assert int.from_bytes(await ours.content.readexactly(4)) == size
            assert await ours.content.readexactly(size) == await theirs.content.readexactly(size)
