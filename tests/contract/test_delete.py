"""DELETE: query and body become one DeleteOptions, and no pod is orphaned unless asked for."""

import json

import pytest

from tests.callers import Answer, Caller, assert_is_status
from tests.contract.manifests import SLEEP1, suspended
from tests.contract.paths import job, jobs
from tests.contract.waiting import job_when, pods_when
from tests.faults.proxy import FaultProxy


async def finished(api: Caller, direct: Caller, namespace: str) -> None:
    assert (await api("POST", jobs(namespace), SLEEP1.replace(b"completions: 3", b"completions: 1"))).status == 201
    await job_when(direct, namespace, "sleep1", lambda found: found["status"].get("succeeded") == 1)


async def test_foreground_answers_with_the_job_and_takes_the_pods_first(
    api: Caller, direct: Caller, namespace: str
) -> None:
    await finished(api, direct, namespace)
    deleted = await api("DELETE", job(namespace, "sleep1") + "?propagationPolicy=Foreground")
    assert (deleted.status, deleted.json["kind"]) == (200, "Job")
    assert "foregroundDeletion" in deleted.json["metadata"]["finalizers"]
    await pods_when(direct, namespace, lambda pods: not pods)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?propagationPolicy=Orphan", b""),
        ("?propagation=Orphan", b""),
        ("?orphanDependents=true", b""),
        ("", b'{"propagationPolicy":"Orphan"}'),
        ("?gracePeriodSeconds=0", b"propagationPolicy: Orphan\n"),
    ],
)
async def test_orphaning_is_done_when_asked_for(
    api: Caller, direct: Caller, namespace: str, query: str, body: bytes
) -> None:
    await finished(api, direct, namespace)
    assert (await api("DELETE", job(namespace, "sleep1") + query, body)).status == 200
    pods = await pods_when(
        direct, namespace, lambda found: not any("ownerReferences" in p["metadata"] for p in found)
    )
    assert len(pods) == 1


def sent_options(proxy: FaultProxy) -> object:
    return json.loads(bytes(proxy.connections[-1].sent).rpartition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("query", "body", "sent"),
    [
        ("", b"", {"propagationPolicy": "Background"}),
        ("", b"  \n", {"propagationPolicy": "Background"}),
        ("?deleteNow=true", b"", {"propagationPolicy": "Background"}),
        ("?propagation=Foreground", b"", {"propagationPolicy": "Foreground"}),
        ("?orphanDependents=false", b"", {"orphanDependents": False}),
        ("?dryRun=All", b'{"gracePeriodSeconds":3}', {"dryRun": ["All"], "gracePeriodSeconds": 3}),
        (
            "?propagationPolicy=Foreground&gracePeriodSeconds=7",
            b"propagationPolicy: Foreground\npreconditions: {uid: a-b, resourceVersion: '1'}\n",
            {
                "propagationPolicy": "Foreground",
                "gracePeriodSeconds": 7,
                "preconditions": {"uid": "a-b", "resourceVersion": "1"},
            },
        ),
        ("", b'{"kind":"DeleteOptions","apiVersion":"batch/v1"}', {"apiVersion": "batch/v1"}),
    ],
)
async def test_query_and_body_travel_as_one_json_body(
    proxied_api: Caller, proxy: FaultProxy, namespace: str, query: str, body: bytes, sent: dict[str, object]
) -> None:
    answer = await proxied_api("DELETE", job(namespace, "none") + query, body)
    assert_is_status(answer, 404, "NotFound")
    expected = {"kind": "DeleteOptions", "apiVersion": "v1", **sent}
    if not sent.keys() & {"propagationPolicy", "orphanDependents"}:
        expected["propagationPolicy"] = "Background"
    assert sent_options(proxy) == expected
    head = bytes(proxy.connections[-1].sent).split(b"\r\n\r\n")[0]
    assert b"Content-Type: application/json" in head.split(b"\r\n")


@pytest.mark.parametrize(
    ("query", "body", "told"),
    [
        ("?propagationPolicy=Foreground", b"propagationPolicy: Orphan", "propagationPolicy"),
        ("?propagationPolicy=Foreground&propagation=Orphan", b"", "propagationPolicy"),
        ("?gracePeriodSeconds=1", b'{"gracePeriodSeconds":2}', "gracePeriodSeconds"),
        ("?orphanDependents=true", b"orphanDependents: false", "orphanDependents"),
        ("?dryRun=All", b"dryRun: [None]", "dryRun"),
        ("?propagationPolicy=background", b"", "Background"),
        ("?orphanDependents=yes", b"", "orphanDependents"),
        ("?gracePeriodSeconds=soon", b"", "gracePeriodSeconds"),
        ("?gracePeriodSeconds=1&gracePeriodSeconds=1", b"", "more than once"),
        ("?force=true", b"", "force"),
        ("", b"propagationPolicy: Backwards", "propagationPolicy"),
        ("", b"propagation: Orphan", "propagation"),
        ("", b"[]", "DeleteOptions"),
        ("", b"gracePeriodSeconds: '1'", "gracePeriodSeconds"),
        ("", b"{", "YAML"),
        ("", b"a: 1\n---\nb: 2\n", "document"),
        ("", b"[" * 60_000, "deep"),
    ],
)
async def test_what_cannot_be_merged_is_refused_and_nothing_is_sent(
    proxied_api: Caller, proxy: FaultProxy, namespace: str, query: str, body: bytes, told: str
) -> None:
    refused = await proxied_api("DELETE", job(namespace, "none") + query, body)
    assert told in assert_is_status(refused, 400, "BadRequest")["message"]
    assert proxy.requests("DELETE") == 0


async def test_a_dry_run_deletes_nothing_even_with_a_body(api: Caller, namespace: str) -> None:
    assert (await api("POST", jobs(namespace), suspended("one"))).status == 201
    tried = await api("DELETE", job(namespace, "one") + "?dryRun=All", b"gracePeriodSeconds: 0\n")
    assert tried.status == 200
    read = await api("GET", job(namespace, "one"))
    assert read.status == 200
    assert "deletionTimestamp" not in read.json["metadata"]


async def test_a_precondition_on_another_uid_is_the_apiservers_409(api: Caller, namespace: str) -> None:
    created = await api("POST", jobs(namespace), suspended("one"))
    path = job(namespace, "one")
    refused = await api("DELETE", path, b'{"preconditions":{"uid":"11111111-2222-3333-4444-555555555555"}}')
    assert_is_status(refused, 409, "Conflict")
    uid = created.json["metadata"]["uid"]
    assert (await api("DELETE", path, json.dumps({"preconditions": {"uid": uid}}).encode())).status == 200


async def test_the_answer_is_what_the_apiserver_answers(api: Caller, namespace: str) -> None:
    def success(answer: Answer) -> bool:
        return (answer.status, answer.json["kind"], answer.json["status"]) == (200, "Status", "Success")

    assert (await api("POST", jobs(namespace), suspended("one"))).status == 201
    assert success(await api("DELETE", job(namespace, "one")))
    assert_is_status(await api("DELETE", job(namespace, "one")), 404, "NotFound")


async def test_a_body_over_the_limit_is_413_and_a_compressed_one_415(api: Caller, namespace: str) -> None:
    refused = await api("DELETE", job(namespace, "one"), b"#" * (3 * 1024 * 1024 + 1))
    assert_is_status(refused, 413, "RequestEntityTooLarge")
    refused = await api("DELETE", job(namespace, "one"), b"{}", {"Content-Encoding": "gzip"})
    assert_is_status(refused, 415, "UnsupportedMediaType")
