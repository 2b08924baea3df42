"""A create that is known is answered, logged and refused as the routes do it, and sent once whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from service.api import keys
from tests.api.gated import MANIFEST
from tests.api.test_admission import held
from tests.api.test_metrics import requests
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import raw_job, status
from tests.callers import Answer, assert_is_status
from tests.contract.paths import jobs
from tests.faults.test_prompt_reads import MINE, lines
from tests.prompt import Apiserver, Connection, Ways, connected, head, plain
from tests.upstream import Received, http, json_answer
from tests.waiting import eventually

PATH = jobs("default")
YAML = {"Content-Type": "application/yaml"}
NAMELESS = b"apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: one-}\n"
CREATED = json_answer(201, raw_job("one-x7k2p", 7))
SOON = 0.2

# What the apiserver says to a create, and the code that the caller is told; None for a connection that is cut.
OUTCOMES: dict[str, tuple[bytes | None, int | None]] = {
    "there is one already": (json_answer(409, status(409, "AlreadyExists")), 409),
    "invalid": (json_answer(422, status(422, "Invalid")), 422),
    "forbidden": (json_answer(403, status(403, "Forbidden")), 403),
    "no Status": (http(500, b"no Status", {"Content-Type": "text/plain"}), 500),
    "too many": (http(429, status(429), {"Content-Type": "application/json", "Retry-After": "7"}), 429),
    "dropped": (None, 504),
    "silence": (b"", 504),
    "cut": (CREATED[:-20], None),
}


def post(body: bytes, headers: Mapping[str, str] = YAML, path: str = PATH) -> bytes:
    return head(path, {**headers, "Content-Length": str(len(body))}, method="POST") + body


async def asked(connection: Connection, request: bytes) -> Answer:
    connection.writer.write(request)
    return await connection.answer()


async def learn(service: Front, path: str = PATH) -> None:
    """Let a create become known to the service."""
    async with connected(service.api.url) as connection:
        assert (await asked(connection, post(NAMELESS, path=path))).status == 201


def answering(told: bytes | None = CREATED) -> Apiserver:
    async def instead(_: Received) -> bytes | AsyncIterator[bytes] | None:
        return pieces(told) if told is not None else None

    async def pieces(beginning: bytes) -> AsyncIterator[bytes]:
        yield beginning
        if not beginning:
            await asyncio.Event().wait()

    return Apiserver(instead=instead)


@pytest.mark.parametrize("query", ["", "?dryRun=All", "?fieldManager=me&fieldValidation=Warn"])
async def test_a_known_create_is_what_the_routes_make_of_it(
    front: StartFront, ways: Ways, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    caplog.set_level("INFO", "service.audit")
    apiserver = answering()
    service = await front(apiserver.answer)
    await learn(service, PATH + query)
    answers, audited = [], []
    for closed in (False, True):
        ways.closed = closed
        lines(caplog)
        async with connected(service.api.url) as connection:
            answers.append(
                await asked(connection, post(MANIFEST, {**YAML, **MINE, "traceparent": "t"}, PATH + query))
            )
        audited.append(await eventually(lambda: lines(caplog)))
    assert ways.gone == (1, 2)
    assert plain(answers[0]) == plain(answers[1])
    assert answers[0].status == 201
    assert answers[0].headers.get("Location") == (None if "dryRun" in query else f"{PATH}/name/one")
    assert audited[0] == audited[1]
    _, prompt, routed = apiserver.arrived
    assert (prompt.method, prompt.target, prompt.body) == (routed.method, routed.target, MANIFEST)
    assert sorted(prompt.headers.items()) == sorted(routed.headers.items())
    assert requests(service.app, "success", 201) == 3
    assert held(service) == 0


async def test_the_name_that_the_apiserver_made_up_is_where_the_new_job_is(front: StartFront, ways: Ways) -> None:
    service = await front(answering().answer)
    await learn(service)
    async with connected(service.api.url) as connection:
        answer = await asked(connection, post(NAMELESS))
    assert answer.headers["Location"] == f"{PATH}/name/one-x7k2p"
    assert ways.prompt == 1


@pytest.mark.parametrize(
    "body", [b"", b"[", b"kind: Pod", b"\xff", NAMELESS + b"---\na: b\n", MANIFEST.replace(b"batch/v1", b"v1")]
)
async def test_a_manifest_that_is_none_is_refused_although_the_call_is_known(
    front: StartFront, ways: Ways, body: bytes
) -> None:
    apiserver = answering()
    service = await front(apiserver.answer)
    await learn(service)
    answers = []
    async with connected(service.api.url) as connection:
        for closed in (False, True):
            ways.closed = closed
            answers.append(await asked(connection, post(body)))
        ways.closed = False
        assert (await asked(connection, post(NAMELESS))).status == 201
    assert ways.prompt == 2
    assert plain(answers[0]) == plain(answers[1])
    assert_is_status(answers[0], 400, "BadRequest")
    assert len(apiserver.arrived) == 2


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_what_becomes_of_a_known_create_is_told_as_the_routes_tell_it_and_it_is_sent_once(
    front: StartFront, ways: Ways, outcome: str
) -> None:
    told, code = OUTCOMES[outcome]
    apiserver = answering()
    service = await front(apiserver.answer, upstream_first_byte_seconds=SOON, chunk_seconds=SOON)
    await learn(service)
    apiserver.instead = answering(told).instead
    answers: list[Answer | None] = []
    for closed in (False, True):
        ways.closed = closed
        async with connected(service.api.url) as connection:
            try:
                answers.append(await asked(connection, post(MANIFEST)))
            except (asyncio.IncompleteReadError, ConnectionError):
                answers.append(None)
    assert len(apiserver.arrived) == 3
    assert ways.routed == 2
    prompt, routed = answers
    if code is None:
        assert prompt is routed is None
    else:
        assert prompt is not None
        assert routed is not None
        assert plain(prompt) == plain(routed)
        assert prompt.json["code"] == code
    assert held(service) == 0


async def test_a_caller_who_leaves_a_known_create_does_not_end_it(front: StartFront, ways: Ways) -> None:
    apiserver = answering()
    service = await front(apiserver.answer)
    await learn(service)
    apiserver.gate.clear()
    async with connected(service.api.url) as connection:
        connection.writer.write(post(MANIFEST))
        await eventually(lambda: len(apiserver.arrived) == 2)
    await eventually(lambda: requests(service.app, "canceled") == 1)
    assert service.app[keys.OWN_CLIENT].writes_in_flight == 1
    apiserver.gate.set()
    await eventually(lambda: service.app[keys.OWN_CLIENT].writes_in_flight == 0)
    assert ways.routed == 1
    assert len(apiserver.arrived) == 2


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (post(MANIFEST, {**YAML, "Idempotency-Key": "k"}), 201),
        (post(MANIFEST, {**YAML, "Content-Encoding": "gzip"}), 415),
        (post(MANIFEST, {"Content-Type": "application/vnd.kubernetes.protobuf"}), 415),
        (post(MANIFEST, {"Content-Type": "application/json"}), 201),
        (post(MANIFEST + b" " * 40_000), 201),
        (
            head(PATH, {**YAML, "Transfer-Encoding": "chunked"}, method="POST")
            + b"%x\r\n%b\r\n0\r\n\r\n" % (len(MANIFEST), MANIFEST),
            201,
        ),
        (post(MANIFEST, path=PATH + "?dryRun=Some"), 400),
        (post(MANIFEST, path=jobs("other")), 201),
    ],
    ids=["key", "gzip", "protobuf", "another type", "long", "chunked", "another query", "another namespace"],
)
async def test_what_differs_from_the_create_that_is_known_goes_to_the_routes(
    front: StartFront, ways: Ways, request_: bytes, code: int
) -> None:
    service = await front(answering(json_answer(201, raw_job("one", 7))).answer)
    await learn(service)
    async with connected(service.api.url) as connection:
        assert (await asked(connection, request_)).status == code
    assert ways.prompt == 0


async def test_a_body_that_comes_after_its_head_goes_to_the_routes(front: StartFront, ways: Ways) -> None:
    service = await front(answering().answer)
    await learn(service)
    request = post(NAMELESS)
    async with connected(service.api.url) as connection:
        connection.writer.write(request[: -len(NAMELESS)])
        await eventually(lambda: ways.routed == 2)
        assert (await asked(connection, request[-len(NAMELESS) :])).status == 201
    assert ways.prompt == 0


async def test_a_known_create_beyond_the_most_writes_is_429(front: StartFront, ways: Ways) -> None:
    apiserver = answering()
    service = await front(apiserver.answer, max_requests_inflight=1)
    await learn(service)
    apiserver.gate.clear()
    async with connected(service.api.url) as first:
        first.writer.write(post(MANIFEST))
        await eventually(lambda: len(apiserver.arrived) == 2)
        async with connected(service.api.url) as second:
            assert_is_status(await asked(second, post(MANIFEST)), 429, "TooManyRequests")
    # The caller has left, its write has not: that one counts too.
    await eventually(lambda: held(service) == 0)
    async with connected(service.api.url) as third:
        assert_is_status(await asked(third, post(MANIFEST)), 429, "TooManyRequests")
        assert ways.routed == 1
        apiserver.gate.set()
        await eventually(lambda: service.app[keys.OWN_CLIENT].writes_in_flight == 0)
        assert (await asked(third, post(MANIFEST))).status == 201
    assert len(apiserver.arrived) == 3
