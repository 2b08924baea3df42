"""What a DELETE does to an object and to its dependents."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.errors import ApiError
from service.sandbox.clock import EventLoopClock
from service.sandbox.controllers.deletion import DeleteOptions, delete_object
from service.sandbox.controllers.garbage_collector import GarbageCollector
from service.sandbox.store import Key, Object, Store

JOB, POD = Key("jobs", "default", "a"), Key("pods", "default", "a-1")


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """Return a store with a Job and its running pod, and a garbage collector at work."""
    store = Store()
    job = store.create("jobs", {"metadata": {"name": "a", "namespace": "default", "generation": 1}})
    owner = {"kind": "Job", "name": "a", "uid": job.uid, "controller": True, "blockOwnerDeletion": True}
    store.create("pods", pod("a-1", ownerReferences=[owner]))
    collecting = asyncio.create_task(GarbageCollector(store, EventLoopClock()).run())
    yield store
    collecting.cancel()
    await asyncio.gather(collecting, return_exceptions=True)


def pod(name: str, **metadata: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default", "generation": 1, **metadata},
        "spec": {"nodeName": "sandbox", "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running"},
    }


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def metadata_of(store: Store, key: Key) -> dict[str, Any]:
    stored = store.get(key)
    assert stored is not None
    metadata: dict[str, Any] = stored.decoded()["metadata"]
    return metadata


async def test_background_removes_the_job_and_then_its_pods(store: Store) -> None:
    outcome = delete_object(store, JOB, DeleteOptions("Background"))
    assert outcome.gone
    assert store.get(JOB) is None
    await settled()
    assert metadata_of(store, POD)["deletionGracePeriodSeconds"] == 30


async def test_foreground_keeps_the_job_until_its_pods_are_gone(store: Store) -> None:
    outcome = delete_object(store, JOB, DeleteOptions("Foreground"))
    assert not outcome.gone
    assert outcome.content["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert outcome.content["metadata"]["generation"] == 2
    await settled()
    assert "deletionTimestamp" in metadata_of(store, POD)
    assert "deletionTimestamp" in metadata_of(store, JOB)
    delete_object(store, POD, DeleteOptions(grace_seconds=0))
    await settled()
    assert store.get(JOB) is None


@pytest.mark.parametrize(
    "options", [DeleteOptions(), DeleteOptions("Orphan"), DeleteOptions(orphan_dependents=True)]
)
async def test_orphaned_pods_stay_without_an_owner(store: Store, options: DeleteOptions) -> None:
    outcome = delete_object(store, JOB, options)
    assert outcome.content["metadata"]["finalizers"] == ["orphan"]
    await settled()
    assert store.get(JOB) is None
    assert metadata_of(store, POD).keys() & {"ownerReferences", "deletionTimestamp"} == set()


async def test_a_finalizer_of_somebody_else_keeps_the_job(store: Store) -> None:
    stored = store.get(JOB)
    assert stored is not None
    job = stored.decoded()
    job["metadata"]["finalizers"] = ["example.com/mine"]
    store.update("jobs", job)
    delete_object(store, JOB, DeleteOptions("Background"))
    await settled()
    assert metadata_of(store, JOB)["finalizers"] == ["example.com/mine"]
    job = {**job, "metadata": {**metadata_of(store, JOB), "finalizers": []}}
    store.update("jobs", job)
    await settled()
    assert store.get(JOB) is None


async def test_a_later_deletion_may_choose_another_policy(store: Store) -> None:
    delete_object(store, JOB, DeleteOptions("Foreground"))
    assert delete_object(store, JOB, DeleteOptions("Background")).gone


async def test_a_dry_run_changes_nothing(store: Store) -> None:
    before = store.resource_version
    outcome = delete_object(store, JOB, DeleteOptions("Foreground", dry_run=True))
    assert "deletionTimestamp" in outcome.content["metadata"]
    assert delete_object(store, JOB, DeleteOptions("Background", dry_run=True)).gone
    assert store.resource_version == before


@pytest.mark.parametrize("options", [DeleteOptions(uid="x"), DeleteOptions(resource_version="x")])
async def test_a_precondition_that_does_not_hold_is_409(store: Store, options: DeleteOptions) -> None:
    with pytest.raises(ApiError) as refused:
        delete_object(store, JOB, options)
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")
    assert "deletionTimestamp" not in metadata_of(store, JOB)


async def test_the_grace_period_of_a_pod_only_ever_shrinks(store: Store) -> None:
    assert not delete_object(store, POD).gone
    assert metadata_of(store, POD)["deletionGracePeriodSeconds"] == 30
    delete_object(store, POD, DeleteOptions(grace_seconds=60))
    assert metadata_of(store, POD)["deletionGracePeriodSeconds"] == 30
    delete_object(store, POD, DeleteOptions(grace_seconds=5))
    assert metadata_of(store, POD)["deletionGracePeriodSeconds"] == 5
    assert metadata_of(store, POD)["generation"] == 2
    assert delete_object(store, POD, DeleteOptions(grace_seconds=0)).gone


async def test_a_pod_that_is_made_for_a_job_that_is_gone_is_removed(store: Store) -> None:
    owner = {"kind": "Job", "name": "a", "uid": "of another one", "controller": True}
    made = store.create("pods", {**pod("late", ownerReferences=[owner]), "status": {"phase": "Succeeded"}})
    await settled()
    assert store.get(made.key) is None


async def test_owners_of_kinds_that_are_not_served_are_taken_to_be_there(store: Store) -> None:
    owner = {"kind": "CronJob", "name": "nightly", "uid": "x", "controller": True}
    made = store.create("jobs", {"metadata": {"name": "b", "namespace": "default", "ownerReferences": [owner]}})
    await settled()
    assert store.get(made.key) is not None
