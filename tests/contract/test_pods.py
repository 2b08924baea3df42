"""Section 1 of the contract: a Job's pods."""

from typing import Any
from urllib.parse import quote

import msgspec

from tests.callers import Answer, Caller, assert_is_status
from tests.contract.manifests import ending
from tests.contract.paths import direct_job, direct_jobs, job
from tests.contract.waiting import pods_when
from tests.faults.proxy import FaultProxy
from tests.waiting import eventually_true

JSON = {"Content-Type": "application/json"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class PodList(msgspec.Struct):
    items: list[msgspec.Raw]


def pods(namespace: str, name: str, query: str = "") -> str:
    return f"{job(namespace, name)}/pod{query}"


def direct_pods(namespace: str, query: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/pods{query}"


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [each["metadata"]["name"] for each in answer.json["items"]]


async def running(direct: Caller, namespace: str, count: int, *manifests: bytes) -> dict[str, str]:
    """Create Jobs whose pods run until the test is over, and return the Jobs' uids, once so many pods run."""
    uids = {}
    for manifest in manifests:
        created = await direct("POST", direct_jobs(namespace), manifest, JSON)
        assert created.status == 201, created
        uids[created.json["metadata"]["name"]] = created.json["metadata"]["uid"]

    def run(found: list[Any]) -> bool:
        return [pod["status"]["phase"] for pod in found] == ["Running"] * count

    await pods_when(direct, namespace, run)
    return uids


def lasting(name: str, parallelism: int = 2, **spec: Any) -> bytes:
    return ending(name, seconds=3600, parallelism=parallelism, **spec)


def manual(name: str, selector: Any, labels: dict[str, str]) -> bytes:
    manifest = msgspec.json.decode(lasting(name, manualSelector=True, selector=selector))
    manifest["spec"]["template"]["metadata"]["labels"] = labels
    return msgspec.json.encode(manifest)


async def all_pages(api: Caller, path: str) -> list[str]:
    """Return the names in all pages of one, whether a page has any or none."""
    found, token = [], ""
    while True:
        page = await api("GET", f"{path}?limit=1{f'&continue={quote(token)}' if token else ''}")
        found += names(page)
        assert len(page.json["items"]) <= 1
        token = page.json["metadata"].get("continue", "")
        if not token:
            return found


async def test_they_are_what_the_jobs_selector_selects_in_every_form(
    api: Caller, direct: Caller, namespace: str
) -> None:
    uid = (await running(direct, namespace, 4, lasting("one"), lasting("two")))["one"]
    selector = f"labelSelector=batch.kubernetes.io/controller-uid%3D{uid}"
    version = (await direct("GET", direct_pods(namespace))).json["metadata"]["resourceVersion"]
    at = f"resourceVersion={version}&resourceVersionMatch=Exact"
    by_owner = [
        each["metadata"]["name"]
        for each in (await direct("GET", direct_pods(namespace))).json["items"]
        if each["metadata"]["ownerReferences"][0]["uid"] == uid
    ]
    assert names(await api("GET", pods(namespace, "one"))) == by_owner
    for accept in (
        "application/json",
        "application/yaml",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    ):
        ours = await api("GET", pods(namespace, "one", f"?{at}"), headers={"Accept": accept})
        theirs = await direct("GET", direct_pods(namespace, f"?{at}&{selector}"), headers={"Accept": accept})
        assert (ours.status, ours.body) == (200, theirs.body)
        assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    table = await api("GET", pods(namespace, "one", "?includeObject=Metadata"), headers={"Accept": TABLE})
    assert table.json["kind"] == "Table"
    assert [row["cells"][0] for row in table.json["rows"]] == by_owner


async def test_the_callers_selectors_narrow_them_down(api: Caller, direct: Caller, namespace: str) -> None:
    await running(direct, namespace, 4, lasting("one"), lasting("two"))
    first, second = names(await api("GET", pods(namespace, "one")))
    for query, expected in (
        (f"?fieldSelector=metadata.name%3D{first}", [first]),
        (f"?fieldSelector=metadata.name!%3D{first}", [second]),
        ("?fieldSelector=status.phase%3DFailed", []),
        ("?labelSelector=job-name", [first, second]),
        ("?labelSelector=job-name+in+(two,one)", [first, second]),
        ("?labelSelector=job-name%3Dtwo", []),
        ("?labelSelector=%20&fieldSelector=", [first, second]),
    ):
        assert names(await api("GET", pods(namespace, "one", query))) == expected, query
    assert await all_pages(api, pods(namespace, "one")) == [first, second]
    for query in ("?labelSelector=%3D%3D", "?fieldSelector=spec.nothing%3D1", "?continue=nonsense"):
        ours = await api("GET", pods(namespace, "one", query))
        assert_is_status(ours, 400, "BadRequest")


async def test_a_job_made_anew_does_not_show_the_pods_of_the_old_one(
    api: Caller, direct: Caller, namespace: str
) -> None:
    await running(direct, namespace, 2, lasting("one"))
    old = names(await api("GET", pods(namespace, "one")))
    assert (await api("DELETE", job(namespace, "one") + "?propagationPolicy=Orphan")).status == 200
    await pods_when(direct, namespace, lambda found: not any("ownerReferences" in p["metadata"] for p in found))

    async def is_gone() -> bool:
        return (await api("GET", job(namespace, "one"))).status == 404

    await eventually_true(is_gone)
    assert_is_status(await api("GET", pods(namespace, "one")), 404, "NotFound")
    await running(direct, namespace, 3, lasting("one", parallelism=1))
    new = names(await api("GET", pods(namespace, "one")))
    assert len(new) == 1
    assert not set(new) & set(old)
    assert names(await direct("GET", direct_pods(namespace, "?labelSelector=job-name%3Done"))) == sorted(old + new)


async def test_of_a_manual_selector_that_others_share_only_the_jobs_own_pods_are_shown(
    api: Caller, direct: Caller, namespace: str
) -> None:
    shared = {"matchLabels": {"app": "shared"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]}
    labels = {"app": "shared"}
    uids = await running(direct, namespace, 4, *(manual(name, shared, labels) for name in ("one", "two")))
    everything = await direct("GET", direct_pods(namespace))
    at = f"?resourceVersionMatch=Exact&resourceVersion={everything.json['metadata']['resourceVersion']}"
    items = msgspec.json.decode(everything.body, type=PodList).items
    for name, uid in uids.items():
        own = [bytes(item) for item in items if uid.encode() in bytes(item)]
        ours = await api("GET", pods(namespace, name, at))
        assert ours.body.endswith(b'"items":[' + b",".join(own) + b"]}\n")
        assert (ours.json["kind"], ours.json["apiVersion"]) == ("PodList", "v1")
        assert ours.json["metadata"]["resourceVersion"]
        assert await all_pages(api, pods(namespace, name)) == names(ours)
        head = await api("HEAD", pods(namespace, name, at))
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(ours.body)))
    refused = await api("GET", pods(namespace, "one"), headers={"Accept": "application/yaml"})
    assert "manualSelector" in assert_is_status(refused, 406, "NotAcceptable")["message"]


async def test_an_empty_selector_never_goes_upstream(
    proxied_api: Caller, proxy: FaultProxy, direct: Caller, namespace: str
) -> None:
    uid = (await running(direct, namespace, 2, manual("one", {}, {"app": "any"})))["one"]
    for query in ("", "?labelSelector=%20"):
        assert names(await proxied_api("GET", pods(namespace, "one", query))) == []
    sent = b"".join(bytes(each.sent) for each in proxy.connections)
    asked = f"/pods?labelSelector=batch.kubernetes.io%2Fcontroller-uid%3D{uid} ".encode()
    assert sent.count(b"/pods?") == sent.count(asked) == 2


async def test_without_such_a_job_it_is_the_apiservers_404(api: Caller, direct: Caller, namespace: str) -> None:
    ours = await api("GET", pods(namespace, "none"))
    assert ours.body == (await direct("GET", direct_job(namespace, "none"))).body
    assert assert_is_status(ours, 404, "NotFound")["details"]["name"] == "none"
    assert (await api("HEAD", pods(namespace, "none"))).status == 404


async def test_head_answers_what_get_would_without_the_body(api: Caller, direct: Caller, namespace: str) -> None:
    await running(direct, namespace, 1, lasting("one", parallelism=1))
    get, head = await api("GET", pods(namespace, "one")), await api("HEAD", pods(namespace, "one"))
    assert (head.status, head.body, head.headers["Content-Type"]) == (200, b"", get.headers["Content-Type"])
