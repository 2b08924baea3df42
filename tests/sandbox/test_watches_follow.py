"""Whoever lists and then watches knows what there is."""

import random

import pytest

from service.sandbox.store import Object, Store
from tests.callers import Caller
from tests.contract.paths import direct_jobs
from tests.sandbox.stored_jobs import change, create, delete
from tests.sandbox.watching import watching

JOBS = direct_jobs("default")


@pytest.mark.parametrize("seed", range(8))
async def test_the_state_and_what_is_told_since_are_the_state_now(sandbox: Caller, store: Store, seed: int) -> None:
    """Whatever happens and wherever a watch begins, its reader knows in the end what is selected."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    selector = chance.choice(("", "labelSelector=a%3D1", "labelSelector=a", "fieldSelector=status.successful%3D1"))
    starts: list[tuple[Object, str]] = []
    jobs: dict[str, Object] = {}
    for _ in range(60):
        happen(chance, store, jobs)
        if chance.random() < 0.1:
            listed = (await sandbox("GET", f"{JOBS}?{selector}")).json
            starts.append(({each["metadata"]["name"]: each for each in listed["items"]}, version(listed)))
    last = create(store, "last", a="1")
    change(store, last, status={"succeeded": 1})
    now = (await sandbox("GET", f"{JOBS}?{selector}")).json
    for state, since in [*starts, ({}, "0")]:
        async with watching(sandbox, JOBS, f"resourceVersion={since}&{selector}&allowWatchBookmarks=true") as watch:
            while (event := await watch.event())["type"] != "BOOKMARK" and version(event["object"]) != version(now):
                apply(state, event)
            if event["type"] != "BOOKMARK":
                apply(state, event)
        assert {name: version(job) for name, job in state.items()} == {
            each["metadata"]["name"]: version(each) for each in now["items"]
        }


def version(found: Object) -> str:
    text: str = found["metadata"]["resourceVersion"]
    return text


def happen(chance: random.Random, store: Store, jobs: dict[str, Object]) -> None:
    """Create, change or delete a Job."""
    name = chance.choice("abcd")
    labels = chance.choice(({}, {"a": "1"}, {"a": "2"}))
    if name not in jobs:
        jobs[name] = create(store, name, **labels)
    elif chance.random() < 0.3:
        delete(store, jobs.pop(name))
    else:
        jobs[name] = change(store, jobs[name], labels=labels, status={"succeeded": chance.randrange(2)})


def apply(state: Object, event: Object) -> None:
    """Change a reader's knowledge as an event says; ADDED is of what was not known, and so on."""
    name = event["object"]["metadata"]["name"]
    assert (name in state) == (event["type"] != "ADDED"), event
    if event["type"] == "DELETED":
        del state[name]
    else:
        state[name] = event["object"]
