"""Section 7 of the contract: logs that cannot be read. On the sandbox, where a pod can be held in its beginning."""

import pytest

from tests.callers import Caller, assert_is_status
from tests.contract.logged import container, create, log, logging, name_of, own_log, pods_in, with_prefix
from tests.waiting import eventually_true


@pytest.fixture
def real_backend() -> None:
    """Take the sandbox alone."""


async def test_what_cannot_be_read_is_told_in_the_last_lines_and_as_a_status_where_it_is_all(
    api: Caller, direct: Caller, namespace: str
) -> None:
    init, main = container("init", "echo prepared; sleep 3600"), container("main", "echo done")
    await create(direct, namespace, logging("one", main, init=[init]))
    (pod,) = await pods_in(direct, namespace, 1, "Pending")
    place = f"pod/{name_of(pod)}/main"

    async def has_begun() -> bool:
        return (await own_log(direct, namespace, name_of(pod), "container=init")).body == b"prepared\n"

    await eventually_true(has_begun)
    answer = await api("GET", log(namespace, "one", "allContainers=true"))
    told = with_prefix(name_of(pod), "init", b"prepared\n")
    assert (answer.status, answer.body) == (
        200,
        told + f"[{place}] -- waiting to start: PodInitializing\n".encode(),
    )
    for query in ("", "container=main", f"pod={name_of(pod)}&prefix=true", "previous=true&container=init"):
        refused = assert_is_status(await api("GET", log(namespace, "one", query)), 400, "BadRequest")
        (cause,) = refused["details"]["causes"]
        assert cause["field"] == place.replace("main", "init" if "init" in query else "main")
        assert cause["message"] in refused["message"]
    of_one = await api("GET", log(namespace, "one", f"pod={name_of(pod)}"))
    own = await own_log(direct, namespace, name_of(pod), "container=main")
    assert (of_one.status, of_one.body) == (400, own.body)
