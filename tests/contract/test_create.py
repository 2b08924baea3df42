"""Section 3 of the contract: POST relays the caller's bytes, and refuses what nobody should send."""

import json
from itertools import pairwise

import pytest

from tests.callers import Caller, assert_is_status, raw_exchange, status_line
from tests.contract.manifests import SLEEP1, suspended
from tests.contract.paths import direct_job, direct_jobs, job, jobs
from tests.contract.waiting import job_when, pods_when
from tests.faults.proxy import FaultProxy

YAML = {"Content-Type": "application/yaml"}
MAX_BYTES = 3 * 1024 * 1024


async def test_the_example_is_created_read_finished_not_edited_and_deleted_with_its_pods(
    api: Caller, direct: Caller, namespace: str
) -> None:
    created = await api("POST", jobs(namespace), SLEEP1)
    assert created.status == 201
    assert created.headers["Location"] == job(namespace, "sleep1")
    assert created.json["kind"] == "Job"

    done = await job_when(direct, namespace, "sleep1", lambda found: found["status"].get("succeeded") == 3)
    read = await api("GET", created.headers["Location"])
    assert read.json == done
    assert len(await pods_when(direct, namespace, bool)) == 3

    for method in ("PUT", "PATCH"):
        refused = await api(method, job(namespace, "sleep1"), read.body)
        assert refused.headers["Allow"] == "GET, HEAD, DELETE"
        assert "not edited" in assert_is_status(refused, 405, "MethodNotAllowed")["message"]

    deleted = await api("DELETE", job(namespace, "sleep1"))
    assert (deleted.status, deleted.json["kind"], deleted.json["status"]) == (200, "Status", "Success")
    await pods_when(direct, namespace, lambda pods: not pods)
    assert_is_status(await api("GET", job(namespace, "sleep1")), 404, "NotFound")


@pytest.mark.parametrize(
    ("manifest", "content_type"),
    [
        (SLEEP1, "application/yaml"),
        (b"# a comment\n\n" + SLEEP1 + b"---\n", "application/yaml"),
        (SLEEP1.replace(b"\n", b"\r\n"), "application/yaml"),
        (b"\xef\xbb\xbf" + SLEEP1, "application/yaml"),
        (
            b' \r\n\t{"apiVersion" :"batch/v1","kind":"Job","metadata":{"name":"sleep1",'
            b'"annotations":{"a":"\\ud83d\\ude00"}},'
            b'"spec":{"template":{"spec":{"containers":[{"name":"a","image":"b"}],"restartPolicy":"Never"}}}}\n\n',
            "application/json",
        ),
        (
            b"{apiVersion: batch/v1, kind: Job, metadata: {name: sleep1}, spec: {template: {spec: "
            b"{containers: [{name: a, image: b}], restartPolicy: Never}}}}",
            "application/yaml",
        ),
    ],
    ids=["yaml", "comments and a trailing separator", "CRLF", "byte order mark", "json", "flow style"],
)
@pytest.mark.parametrize(
    "declared", ["application/yaml", "application/x-www-form-urlencoded", "application/json", None]
)
async def test_the_apiserver_receives_the_bytes_that_the_caller_sent(
    proxied_api: Caller, proxy: FaultProxy, namespace: str, manifest: bytes, content_type: str, declared: str | None
) -> None:
    headers = {} if declared is None else {"Content-Type": declared}
    created = await proxied_api("POST", jobs(namespace) + "?dryRun=All", manifest, headers)
    assert created.status == 201, created
    head, _, body = bytes(proxy.connections[-1].sent).partition(b"\r\n\r\n")
    assert body == manifest
    assert f"Content-Type: {content_type}".encode() in head.split(b"\r\n")
    assert head.startswith(b"POST /apis/batch/v1/namespaces/" + namespace.encode() + b"/jobs?")


@pytest.mark.parametrize("accept", ["application/json", "application/yaml"])
async def test_the_caller_receives_the_bytes_that_the_apiserver_sent(
    proxied_api: Caller, proxy: FaultProxy, namespace: str, accept: str
) -> None:
    created = await proxied_api("POST", jobs(namespace), suspended("one"), {**YAML, "Accept": accept})
    assert created.status == 201
    answered = bytes(proxy.connections[-1].answered)
    assert created.body in answered or created.body == _unchunked(answered)


def _unchunked(answered: bytes) -> bytes:
    body, rest = b"", answered.partition(b"\r\n\r\n")[2]
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not int(size, 16):
            return body
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]


async def test_what_the_apiserver_refuses_is_relayed_byte_for_byte(
    api: Caller, direct: Caller, namespace: str
) -> None:
    assert (await api("POST", jobs(namespace), suspended("there"))).status == 201
    for manifest, code, reason in (
        (suspended("there"), 409, "AlreadyExists"),
        (suspended("no-policy").replace(b"restartPolicy: Never", b"restartPolicy: Always"), 422, "Invalid"),
        (suspended("Upper"), 422, "Invalid"),
        (suspended("unknown") + b"  nonsense: 1\n", 400, "BadRequest"),
        (suspended("twice") + b"  suspend: true\n", 400, "BadRequest"),
        (suspended("wrong-type").replace(b"suspend: true", b"suspend: 7"), 400, "BadRequest"),
    ):
        ours = await api("POST", jobs(namespace), manifest)
        theirs = await direct("POST", direct_jobs(namespace) + "?fieldValidation=Strict", manifest, YAML)
        assert ours.body == theirs.body
        assert assert_is_status(ours, code, reason)


async def test_unknown_fields_are_warned_of_where_the_caller_asks_for_that(api: Caller, namespace: str) -> None:
    manifest = suspended("one") + b"  nonsense: 1\n  rubbish: 2\n"
    assert (await api("POST", jobs(namespace), manifest)).status == 400
    warned = await api("POST", jobs(namespace) + "?fieldValidation=Warn", manifest)
    assert warned.status == 201
    assert len(warned.headers.getall("Warning")) == 2
    ignored = await api(
        "POST", jobs(namespace) + "?fieldValidation=Ignore&dryRun=All", suspended("two") + b"  x: 1\n"
    )
    assert ignored.status == 201
    assert "Warning" not in ignored.headers


async def test_a_dry_run_creates_nothing_and_has_no_location(api: Caller, namespace: str) -> None:
    tried = await api("POST", jobs(namespace) + "?dryRun=All&fieldManager=me", suspended("one"))
    assert tried.status == 201
    assert tried.json["metadata"]["managedFields"][0]["manager"] == "me"
    assert "Location" not in tried.headers
    assert (await api("GET", job(namespace, "one"))).status == 404


async def test_the_location_of_a_generated_name_is_the_name_that_was_generated(api: Caller, namespace: str) -> None:
    manifest = suspended("one").replace(b"name: one", b"generateName: made-")
    created = await api("POST", jobs(namespace), manifest)
    name = created.json["metadata"]["name"]
    assert name.startswith("made-")
    assert created.headers["Location"] == job(namespace, name)
    assert (await api("GET", created.headers["Location"])).status == 200


async def test_a_namespace_in_the_manifest_may_repeat_the_paths(api: Caller, namespace: str) -> None:
    manifest = suspended("one").replace(b"  name: one", b"  name: one\n  namespace: " + namespace.encode())
    assert (await api("POST", jobs(namespace), manifest)).status == 201


BAD_BODIES = {
    "nothing": (b"", "empty"),
    "only comments": (b"# nothing\n", "empty"),
    "not UTF-8": (SLEEP1 + b"# \xff\n", "UTF-8"),
    "not YAML": (b"a: [1\nb: 2\n", "YAML"),
    "two documents": (SLEEP1 + b"---\n" + SLEEP1, "document"),
    "a leading empty document": (b"---\n---\n" + SLEEP1, "document"),
    "a list": (b"- 1\n", "mapping"),
    "a string": (b"hello\n", "mapping"),
    "another kind": (SLEEP1.replace(b"kind: Job", b"kind: CronJob"), "kind"),
    "another version": (SLEEP1.replace(b"batch/v1", b"batch/v1beta1"), "apiVersion"),
    "no kind": (SLEEP1.replace(b"kind: Job\n", b""), "kind"),
    "no name": (SLEEP1.replace(b"name: sleep1", b"labels: {}"), "metadata.name"),
    "another namespace": (SLEEP1.replace(b"name: sleep1", b"name: a\n  namespace: other"), "metadata.namespace"),
    "60 kB of [": (b"[" * 60_000, "mapping"),
    "deep YAML": (b"a: " + b"[" * 60_000, "deep"),
    "deep JSON": (b'{"a":' * 60_000, "deep"),
    "many nodes": (SLEEP1 + b"x: [" + b"1," * 100_001 + b"]\n", "100000"),
    "many aliases": (SLEEP1 + b"x: &x 1\ny: [" + b"*x," * 1_001 + b"]\n", "1000"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_no_single_job_is_refused_where_it_is_wrong(
    api: Caller, namespace: str, name: str
) -> None:
    body, told = BAD_BODIES[name]
    refused = await api("POST", jobs(namespace), body)
    message = assert_is_status(refused, 400, "BadRequest")["message"]
    assert told in message
    assert (await api("GET", "/readyz")).body == b"ok"


async def test_an_alias_bomb_of_761_bytes_kills_neither_us_nor_the_apiserver(api: Caller, namespace: str) -> None:
    lines = ["a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]"]
    names = "abcdefghijklmnop"
    for before, letter in pairwise(names):
        lines.append(f"{letter}: &{letter} [{','.join(['*' + before] * 9)}]")
    bomb = suspended("bomb") + "\n".join(lines).encode()
    refused = await api("POST", jobs(namespace), bomb)
    assert_is_status(refused, 400, "BadRequest")
    assert (await api("GET", "/readyz")).status == 200


async def test_one_byte_over_3_mib_is_refused_and_3_mib_are_the_apiservers_to_judge(
    api: Caller, namespace: str
) -> None:
    def filled(size: int) -> bytes:
        manifest = suspended("big")
        return manifest + b"#" * (size - len(manifest))

    refused = await api("POST", jobs(namespace), filled(MAX_BYTES + 1))
    assert_is_status(refused, 413, "RequestEntityTooLarge")
    assert (await api("POST", jobs(namespace), filled(MAX_BYTES))).status == 201


async def test_a_chunked_body_is_counted_as_it_comes(api: Caller, namespace: str) -> None:
    headers = "Host: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close"
    head = f"POST {jobs(namespace)} HTTP/1.1\r\n{headers}\r\n\r\n"
    chunk = b"100000\r\n" + b"#" * 0x100000 + b"\r\n"
    answer = await raw_exchange(api.url, head.encode() + chunk * 3 + b"1\r\n#\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_is_not_asked_for_when_the_request_is_refused_without_it(api: Caller, namespace: str) -> None:
    head = "POST {} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n"
    refused = await status_line(api.url, head.format(jobs(namespace), MAX_BYTES + 1).encode())
    assert refused.startswith(b"HTTP/1.1 413 ")
    manifest = suspended("one")
    asked = head.format(jobs(namespace), len(manifest)).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    accepted = await raw_exchange(api.url, asked.encode() + manifest)
    assert accepted.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ")


async def test_bodies_in_forms_that_are_not_read_are_415(api: Caller, namespace: str) -> None:
    for headers in (
        {"Content-Encoding": "gzip"},
        {"Content-Type": "application/vnd.kubernetes.protobuf"},
        {"Content-Encoding": "br", "Content-Type": "application/yaml"},
    ):
        refused = await api("POST", jobs(namespace), SLEEP1, headers)
        assert_is_status(refused, 415, "UnsupportedMediaType")


async def test_json_and_yaml_of_the_same_manifest_make_the_same_job(
    api: Caller, direct: Caller, namespace: str
) -> None:
    as_json = json.dumps(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "json"},
            "spec": {
                "suspend": True,
                "template": {
                    "spec": {"containers": [{"name": "main", "image": "busybox"}], "restartPolicy": "Never"}
                },
            },
        }
    )
    assert (await api("POST", jobs(namespace), as_json.encode())).status == 201
    assert (await api("POST", jobs(namespace), suspended("yaml"))).status == 201
    found = [(await direct("GET", direct_job(namespace, name))).json["spec"] for name in ("json", "yaml")]
    for spec in found:
        del spec["selector"], spec["template"]["metadata"]
    assert found[0] == found[1]
