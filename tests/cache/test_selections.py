"""What a watch with a selection shows of a change, and what the store selects."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.job_cache import JobCache
from service.cache.selection import Selection
from service.cache.store import JobStore
from service.cache.watch_window import Change, ChangeType, Cursor
from service.kube.jobs import Job, read_job
from service.selectors import parse_field_selector, parse_label_selector
from tests.cache.jobs import a_job

X = Selection(labels=parse_label_selector("a=x"))
IN = a_job("one", 5, labels={"a": "x"})
OUT = a_job("one", 5, labels={"a": "y"})
NEXT_IN = a_job("one", 9, labels={"a": "x"})
NEXT_OUT = a_job("one", 9, labels={"a": "y"})


@pytest.mark.parametrize(
    ("type_", "previous", "job", "shown", "labels"),
    [
        ("ADDED", None, NEXT_IN, "ADDED", "x"),
        ("ADDED", None, NEXT_OUT, None, ""),
        ("MODIFIED", IN, NEXT_IN, "MODIFIED", "x"),
        ("MODIFIED", OUT, NEXT_OUT, None, ""),
        ("MODIFIED", OUT, NEXT_IN, "ADDED", "x"),
        ("MODIFIED", IN, NEXT_OUT, "DELETED", "x"),
        ("MODIFIED", None, NEXT_IN, "ADDED", "x"),
        ("DELETED", IN, NEXT_IN, "DELETED", "x"),
        ("DELETED", OUT, NEXT_OUT, None, ""),
        ("DELETED", None, NEXT_IN, None, ""),
    ],
)
def test_what_enters_a_selection_is_added_and_what_leaves_it_is_deleted_as_it_was(
    type_: ChangeType, previous: Job | None, job: Job, shown: str | None, labels: str
) -> None:
    seen = Change(type_, job, previous).seen_through(X)
    if shown is None:
        assert seen is None
        return
    assert seen is not None
    told = read_job(seen[1])
    assert (seen[0], told.resource_version, told.labels, told.name) == (shown, 9, {"a": labels}, "one")


def test_everything_is_shown_as_it_came_where_nothing_is_selected() -> None:
    everything = Selection()
    assert Change("ADDED", IN, None).seen_through(everything) == ("ADDED", IN.raw)
    assert Change("MODIFIED", NEXT_OUT, IN).seen_through(everything) == ("MODIFIED", NEXT_OUT.raw)
    assert Change("DELETED", NEXT_OUT, IN).seen_through(everything) == ("DELETED", NEXT_OUT.raw)


NAMESPACES = st.sampled_from(["a", "a-b", "b"])
NAMES = st.sampled_from(["a", "a-b", "a.b", "a0", "b"])
VALUES = st.sampled_from(["x", "y", None])
SELECTIONS = st.builds(
    Selection,
    st.one_of(st.none(), NAMESPACES),
    st.sampled_from(["", "a", "!a", "a=x", "a!=x", "a in (x,y)"]).map(parse_label_selector),
    st.sampled_from(["", "metadata.name=a", "metadata.name!=a", "metadata.namespace=a-b"]).map(
        parse_field_selector
    ),
)
CHANGES = st.lists(st.tuples(NAMESPACES, NAMES, VALUES, st.booleans()), max_size=40)


def labelled(namespace: str, name: str, value: str | None, version: int) -> Job:
    return a_job(name, version, namespace=namespace, labels={} if value is None else {"a": value})


def apply_to(cache: JobCache, namespace: str, name: str, value: str | None, *, deletes: bool) -> None:
    version, known = cache.window.latest + 1, cache.store.get(namespace, name)
    if known is None:
        cache.change("ADDED", labelled(namespace, name, value, version))
    elif deletes:
        # As upstream: the last state, with the resourceVersion of the deletion.
        cache.change("DELETED", labelled(namespace, name, known.labels.get("a"), version))
    else:
        cache.change("MODIFIED", labelled(namespace, name, value, version))


@given(SELECTIONS, CHANGES, st.integers(0, 40))
async def test_what_is_seen_through_a_selection_adds_up_to_what_the_store_selects(
    selection: Selection, changes: Sequence[tuple[str, str, str | None, bool]], begins: int
) -> None:
    cache = JobCache(1000, 1_000_000, 60)
    shown: dict[tuple[str, str], bytes] = {}
    since = 0
    for number, (namespace, name, value, deletes) in enumerate(changes):
        if number == begins:
            since = cache.window.latest
            shown = {(job.namespace, job.name): job.raw for job in cache.store.select(selection)}
        apply_to(cache, namespace, name, value, deletes=deletes)
    if cache.window.latest > since:
        for change in await Cursor(cache.window, since).next():
            if (seen := change.seen_through(selection)) is None:
                continue
            type_, raw = seen
            job = read_job(raw)
            assert job.resource_version == change.resource_version
            assert selection.matches(job)
            key = (job.namespace, job.name)
            assert (type_ == "ADDED") is (key not in shown)
            if type_ == "DELETED":
                del shown[key]
            else:
                shown[key] = raw
    elif begins >= len(changes):
        shown = {(job.namespace, job.name): job.raw for job in cache.store.select(selection)}
    assert shown == {(job.namespace, job.name): job.raw for job in cache.store.select(selection)}


@given(st.lists(st.tuples(NAMESPACES, NAMES, VALUES, st.booleans()), max_size=40), SELECTIONS)
def test_the_store_selects_in_the_order_of_etcd(
    changes: Sequence[tuple[str, str, str | None, bool]], selection: Selection
) -> None:
    store, model = JobStore(), dict[tuple[str, str], Job]()
    for version, (namespace, name, value, removes) in enumerate(changes, 1):
        if removes:
            assert store.remove(namespace, name) is model.pop((namespace, name), None)
        else:
            job = labelled(namespace, name, value, version)
            assert store.put(job) is model.get((namespace, name))
            model[namespace, name] = job
        # Asked for in between, so that an order that was kept is one that must be made anew.
        store.select(Selection(namespace))
        assert store.get(namespace, name) is model.get((namespace, name))
    assert len(store) == len(model)
    in_order = sorted(model.values(), key=lambda job: f"{job.namespace}/{job.name}")
    assert store.select(selection) == [job for job in in_order if selection.matches(job)]


def test_a_namespace_that_begins_like_another_comes_before_it() -> None:
    store = JobStore()
    for namespace, name in (("a", "b"), ("a-b", "a"), ("a", "a.b"), ("a", "a-b"), ("a0", "a"), ("a", "a")):
        store.put(a_job(name, 5, namespace=namespace))
    assert [f"{job.namespace}/{job.name}" for job in store.select(Selection())] == [
        "a-b/a",
        "a/a",
        "a/a-b",
        "a/a.b",
        "a/b",
        "a0/a",
    ]


def test_a_state_that_is_known_is_held_once() -> None:
    store = JobStore()
    known = a_job("one", 5)
    store.put(known)
    assert store.same(a_job("one", 5)) is known
    for other in (a_job("one", 6), a_job("one", 5, uid="another"), a_job("two", 5)):
        assert store.same(other) is other
    unknown = a_job("two", 6)
    store.replace([a_job("one", 5), unknown])
    assert store.get("default", "one") is known
    assert store.get("default", "two") is unknown
    store.replace([unknown])
    assert (len(store), store.get("default", "one")) == (1, None)
    assert store.select(Selection("default")) == [unknown]
