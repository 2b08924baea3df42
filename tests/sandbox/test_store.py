"""The sandbox's store: versions, the recent past, and bounds."""

import pytest

from service.sandbox.store import AlreadyExistsError, ExpiredError, FullError, Key, Limits, Object, Store


def new(name: str, **more: object) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, **more}


def key(name: str) -> Key:
    return Key("jobs", "default", name)


def names(store: Store, at: int | None = None) -> list[str]:
    return [stored.key.name for stored in store.list("jobs", at=at)]


def test_every_change_has_the_next_resource_version() -> None:
    store = Store()
    created = store.create("jobs", new("a"))
    changed = created.decoded() | {"spec": 1}
    updated = store.update("jobs", changed)
    deleted = store.delete(key("a"))
    assert updated is not None
    assert deleted is not None
    assert [created.resource_version, updated.resource_version, deleted.resource_version] == [2, 3, 4]
    assert deleted.decoded()["metadata"]["resourceVersion"] == "4"
    assert [change.type for change in store.changes_since(1)] == ["ADDED", "MODIFIED", "DELETED"]


def test_an_update_that_changes_nothing_is_no_change() -> None:
    store = Store()
    created = store.create("jobs", new("a"))
    assert store.update("jobs", created.decoded()) is created
    assert store.resource_version == created.resource_version


def test_another_object_of_the_same_name_is_neither_made_nor_changed() -> None:
    store = Store()
    first = store.create("jobs", new("a"))
    with pytest.raises(AlreadyExistsError):
        store.create("jobs", new("a"))
    store.delete(key("a"))
    store.create("jobs", new("a"))
    assert store.update("jobs", first.decoded() | {"spec": 1}) is None


def test_the_past_is_as_it_was() -> None:
    store = Store()
    store.create("jobs", new("b"))
    store.create("jobs", new("a"))
    then = store.resource_version
    kept = store.get(key("a"))
    store.delete(key("a"))
    store.create("jobs", new("c"))
    assert names(store) == ["b", "c"]
    assert names(store, then) == ["a", "b"]
    assert kept in store.list("jobs", at=then)


def test_a_past_that_is_too_long_ago_is_expired() -> None:
    store = Store(Limits(changes=2))
    for name in "abcd":
        store.create("jobs", new(name))
    assert names(store, 3) == ["a", "b"]
    with pytest.raises(ExpiredError) as refused:
        store.list("jobs", at=2)
    assert refused.value.oldest == 3
    assert [change.resource_version for change in store.changes_since(3)] == [4, 5]
    assert list(store.changes_since(5)) == list(store.changes_since(99)) == []


def test_large_changes_are_remembered_for_less_long() -> None:
    store = Store(Limits(megabytes_of_changes=1))
    for name in "abcd":
        store.create("jobs", new(name, filling="x" * 400_000))
    assert len(list(store.changes_since(3))) == 2
    with pytest.raises(ExpiredError):
        store.changes_since(2)


@pytest.mark.parametrize("limits", [Limits(objects=3), Limits(megabytes=1)])
def test_a_full_store_says_how_much_it_holds_and_takes_more_once_there_is_room(limits: Limits) -> None:
    store = Store(limits)
    for name in "abc":
        store.create("jobs", new(name, filling="x" * 400_000))
    with pytest.raises(FullError, match=str(limits)):
        store.create("jobs", new("d"))
    store.delete(key("a"))
    store.create("jobs", new("d"))


def test_dependents_are_found_by_the_uid_of_their_owner() -> None:
    store = Store()
    owner = store.create("jobs", new("a"))
    pod = new("p")
    pod["metadata"]["ownerReferences"] = [{"uid": owner.uid}]
    stored = store.create("pods", pod)
    assert list(store.dependents(owner.uid)) == [stored]
    store.delete(stored.key)
    assert list(store.dependents(owner.uid)) == []
