"""A create that can be repeated: one key, one Job."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from tests.callers import Answer, Caller, assert_is_status
from tests.contract.conftest import Backend
from tests.contract.manifests import suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.served import Served, serving
from tests.contract.waiting import at_rest
from tests.faults.proxy import FaultProxy

KEY = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
ANNOTATION = "job-api/idempotency"
GENERATED = suspended("one").replace(b"name: one", b"generateName: made-")
AS_JSON = msgspec.json.encode(
    {
        "spec": {
            "template": {
                "spec": {"restartPolicy": "Never", "containers": [{"image": "busybox", "name": "main"}]},
            },
            "suspend": True,
        },
        "metadata": {"labels": {}, "name": "one"},
        "kind": "Job",
        "apiVersion": "batch/v1",
    }
)


def assert_is_replay(answer: Answer, namespace: str, created: Answer) -> None:
    assert (answer.status, answer.headers["Idempotency-Replayed"]) == (200, "true"), answer
    assert answer.headers["Location"] == created.headers["Location"]
    assert answer.json["metadata"]["uid"] == created.json["metadata"]["uid"]


async def names(direct: Caller, namespace: str) -> list[str]:
    listed = await direct("GET", direct_jobs(namespace))
    return sorted(item["metadata"]["name"] for item in listed.json["items"])


async def test_the_same_create_again_is_answered_with_the_job_that_is_there(
    api: Caller, direct: Caller, namespace: str
) -> None:
    created = await api("POST", jobs(namespace), suspended("one"), KEY)
    assert (created.status, created.headers["Location"]) == (201, job(namespace, "one"))
    assert "Idempotency-Replayed" not in created.headers
    await at_rest(direct, namespace, "one")
    replayed = await api("POST", jobs(namespace), suspended("one"), KEY)
    assert_is_replay(replayed, namespace, created)
    assert replayed.body == (await direct("GET", direct_job(namespace, "one"))).body
    assert await names(direct, namespace) == ["one"]


async def test_the_job_bears_digests_only_also_where_the_caller_sent_something_there(
    api: Caller, namespace: str
) -> None:
    manifest = suspended("one").replace(
        b"name: one", b"name: one\n  annotations: {job-api/idempotency: mine, other: kept}"
    )
    for status in (201, 200):
        answer = await api("POST", jobs(namespace), manifest, {"Idempotency-Key": "my-secret-key"})
        assert answer.status == status
    annotations = answer.json["metadata"]["annotations"]
    assert annotations["other"] == "kept"
    digests = annotations[ANNOTATION].split(".")
    assert [len(bytes.fromhex(digest)) for digest in digests] == [32, 32]
    assert b"my-secret-key" not in answer.body


async def test_a_job_that_was_read_is_created_anew_from_what_was_read(api: Caller, namespace: str) -> None:
    created = await api("POST", jobs(namespace), suspended("one"), KEY)
    found = created.json
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        del found["metadata"][field]
    found["metadata"]["name"] = "two"
    del found["spec"]["selector"], found["spec"]["template"]["metadata"], found["status"]
    again = await api("POST", jobs(namespace), msgspec.json.encode(found), KEY)
    assert again.status == 201
    mark = again.json["metadata"]["annotations"][ANNOTATION]
    assert mark != created.json["metadata"]["annotations"][ANNOTATION]


async def test_another_manifest_with_the_same_key_is_422(api: Caller, namespace: str) -> None:
    for manifest in (suspended("one"), GENERATED):
        assert (await api("POST", jobs(namespace), manifest, KEY)).status == 201
        other = manifest.replace(b"image: busybox", b"image: alpine")
        status = assert_is_status(await api("POST", jobs(namespace), other, KEY), 422, "Invalid")
        assert "Idempotency-Key" in status["message"]
        assert "another manifest" in status["message"]
        assert status["details"]["causes"][0]["reason"] == "IdempotencyKeyReused"


async def test_another_key_or_none_is_the_apiservers_refusal(api: Caller, direct: Caller, namespace: str) -> None:
    assert (await api("POST", jobs(namespace), suspended("one"), KEY)).status == 201
    assert (
        await direct(
            "POST", direct_jobs(namespace), AS_JSON.replace(b"one", b"two"), {"Content-Type": "application/json"}
        )
    ).status == 201
    for name, headers in (("one", {"Idempotency-Key": "other"}), ("one", {}), ("two", KEY)):
        refused = await api("POST", jobs(namespace), suspended(name), headers)
        theirs = await direct("POST", direct_jobs(namespace), suspended(name), {"Content-Type": "application/yaml"})
        assert_is_status(refused, 409, "AlreadyExists")
        assert refused.body == theirs.body


async def test_what_the_apiserver_refuses_where_no_job_is_there_is_relayed(api: Caller, namespace: str) -> None:
    for manifest, code, reason in (
        (suspended("Upper/../case"), 422, "Invalid"),
        (suspended("unknown") + b"  nonsense: 1\n", 400, "BadRequest"),
    ):
        assert_is_status(await api("POST", jobs(namespace), manifest, KEY), code, reason)
    path = jobs(namespace) + "?fieldValidation=Warn"
    warned = await api("POST", path, suspended("unknown") + b"  nonsense: 1\n", KEY)
    assert (warned.status, "nonsense" in warned.headers["Warning"]) == (201, True)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a-key", '"a-key"'),
        ("a;b=c/d+e==", '"a;b=c/d+e=="'),
        (r'"a \" and \\"', r'"a \" and \\"'),
        ("x" * 255, "x" * 255),
    ],
)
async def test_a_key_is_the_same_with_quotes_and_without(
    api: Caller, namespace: str, first: str, second: str
) -> None:
    for key, status in ((first, 201), (second, 200)):
        assert (await api("POST", jobs(namespace), suspended("one"), {"Idempotency-Key": key})).status == status


NO_KEYS = (
    [""],
    ['""'],
    ['"open'],
    ['close"'],
    ["a b"],
    ["a,b"],
    ['"a", "b"'],
    ['"a";b=c'],
    [r'"a\b"'],
    ["schlüssel"],
    ["x" * 256],
    ["a", "a"],
)


async def test_what_is_no_key_is_refused(
    api: Caller, direct: Caller, http_client: aiohttp.ClientSession, namespace: str
) -> None:
    for lines in NO_KEYS:
        headers = [("Idempotency-Key", line) for line in lines]
        async with http_client.post(api.url + jobs(namespace), data=suspended("one"), headers=headers) as response:
            answer = Answer(response.status, response.headers, await response.read())
        message = assert_is_status(answer, 400, "BadRequest")["message"]
        assert "'Idempotency-Key'" in message, lines
        assert "1 to 255" in message, lines
    assert await names(direct, namespace) == []


async def test_a_manifest_is_the_same_however_it_is_spelt(api: Caller, namespace: str) -> None:
    created = await api("POST", jobs(namespace), suspended("one"), KEY)
    for spelling in (
        AS_JSON,
        b"# a comment\n" + suspended("one").replace(b"\n", b"\r\n") + b"---\n",
        suspended("one").replace(b"  name: one", b"  <<: {name: &name 'one'}"),
    ):
        assert_is_replay(await api("POST", jobs(namespace), spelling, KEY), namespace, created)


async def test_a_generated_name_is_made_of_the_key(api: Caller, direct: Caller, namespace: str) -> None:
    long = GENERATED.replace(b"made-", b"made-" * 20)
    for manifest, prefix in ((GENERATED, "made-"), (long, ("made-" * 20)[:47])):
        created = await api("POST", jobs(namespace), manifest, KEY)
        name = created.json["metadata"]["name"]
        assert name.startswith(prefix)
        assert len(name) == len(prefix) + 16 <= 63
        assert set(name[len(prefix) :]) <= set("abcdefghijklmnopqrstuvwxyz234567")
        assert created.headers["Location"] == job(namespace, name)
        assert created.json["metadata"]["generateName"] in manifest.decode()
        assert_is_replay(await api("POST", jobs(namespace), manifest, KEY), namespace, created)
    other = await api("POST", jobs(namespace), GENERATED, {"Idempotency-Key": "other"})
    assert other.status == 201
    assert len(await names(direct, namespace)) == 3


async def test_aliases_and_merges_are_written_out(api: Caller, namespace: str) -> None:
    manifest = suspended("one").replace(
        b"  name: one\n  labels: {}\n",
        b"  labels: &labels {name: one, color: red}\n  annotations: *labels\n  <<: {name: one}\n",
    )
    created = await api("POST", jobs(namespace), manifest, KEY)
    metadata = created.json["metadata"]
    assert metadata["name"] == "one"
    assert metadata["annotations"].keys() == {"name", "color", ANNOTATION}
    assert ANNOTATION not in metadata["labels"]
    assert_is_replay(await api("POST", jobs(namespace), manifest, KEY), namespace, created)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (b"kind: Job", b"x: &kind CronJob\nkind: *kind", "CronJob"),
        (b"apiVersion: batch/v1", b"x: &v batch/v1beta1\napiVersion: *v", "batch/v1beta1"),
        (b"  name: one", b"  name: one\n  <<: {namespace: kube-system}", "kube-system"),
        (b"  name: one", b"  name: 5\n  generateName: a-", "metadata.name"),
        (b"labels: {}", b"annotations: []", "metadata.annotations"),
        (b"suspend: true", b"suspend: yes", "quote it"),
        (b"suspend: true", b"suspend: true\n  suspend: false", "twice"),
        (
            b"kind: Job",
            b"kind: Job\nx0: &x0 x\n"
            + b"".join(b"x%d: &x%d [[[[[[[[[[*x%d]]]]]]]]]]\n" % (n + 1, n + 1, n) for n in range(130)),
            "deep",
        ),
    ],
    ids=["kind", "apiVersion", "namespace", "name", "annotations", "ambiguous", "repeated", "deep"],
)
async def test_what_the_look_cannot_see_is_refused_when_it_is_written_out(
    api: Caller, direct: Caller, namespace: str, before: bytes, after: bytes, told: str
) -> None:
    refused = await api("POST", jobs(namespace), suspended("one").replace(before, after), KEY)
    assert told in assert_is_status(refused, 400, "BadRequest")["message"]
    assert await names(direct, namespace) == []


async def test_a_dry_run_and_a_read_take_no_notice_of_the_key(
    proxied_api: Caller, proxy: FaultProxy, namespace: str
) -> None:
    for headers in (KEY, {"Idempotency-Key": ""}):
        tried = await proxied_api("POST", jobs(namespace) + "?dryRun=All", suspended("one"), headers)
        assert tried.status == 201
        assert bytes(proxy.connections[-1].sent).endswith(suspended("one"))
        assert (await proxied_api("GET", job(namespace, "one"), None, headers)).status == 404


async def test_a_job_that_was_deleted_is_created_anew(api: Caller, direct: Caller, namespace: str) -> None:
    created = await api("POST", jobs(namespace), suspended("one"), KEY)
    await api("DELETE", job(namespace, "one"))
    anew = await api("POST", jobs(namespace), suspended("one"), KEY)
    assert anew.status == 201
    assert anew.json["metadata"]["uid"] != created.json["metadata"]["uid"]


async def test_a_replay_comes_in_the_form_that_the_caller_accepts(
    api: Caller, direct: Caller, namespace: str
) -> None:
    await api("POST", jobs(namespace), suspended("one"), KEY)
    await at_rest(direct, namespace, "one")
    accept = {"Accept": "application/yaml"}
    replayed = await api("POST", jobs(namespace), suspended("one"), KEY | accept)
    assert (replayed.status, replayed.headers["Idempotency-Replayed"]) == (200, "true")
    assert replayed.body == (await direct("GET", direct_job(namespace, "one"), None, accept)).body


@pytest.fixture
async def replicas(
    backend: Backend, tmp_path: Path, http_client: aiohttp.ClientSession
) -> AsyncIterator[tuple[Served, Served]]:
    async with (
        serving(backend, tmp_path, http_client, cache=False) as one,
        serving(backend, tmp_path, http_client, cache=False) as other,
    ):
        yield one, other


async def test_replicas_that_get_the_same_create_at_the_same_time_make_one_job(
    replicas: tuple[Served, Served], direct: Caller, namespace: str
) -> None:
    for manifest in (suspended("one"), GENERATED):
        answers = await asyncio.gather(
            *(each.api("POST", jobs(namespace), manifest, KEY) for each in replicas for _ in range(3))
        )
        assert sorted(answer.status for answer in answers) == [200] * 5 + [201]
        assert len({answer.json["metadata"]["uid"] for answer in answers}) == 1
    assert len(await names(direct, namespace)) == 2
    assert sum(each.proxy.requests("POST") for each in replicas) == 12
