"""A read that is known is still one that its caller has to be let in for, each time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tests.api.test_metrics import value
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import raw_job
from tests.callers import assert_is_status
from tests.prompt import CACHED, ONE, Apiserver, Ways, connected, head, learn, synced
from tests.upstream import Received, json_answer
from tests.waiting import eventually, eventually_true

ANN = {"Authorization": "Bearer ann"}
BOB = {"Authorization": "Bearer bob"}
# What is remembered for so long is forgotten while a test waits; nothing is said about how soon.
MOMENT = 0.05
LONG = 3600.0
READS = pytest.mark.parametrize("path", [ONE, CACHED], ids=["consistent", "cached"])


@dataclass(slots=True)
class Reviewing(Apiserver):
    """Answers reviews too.

    Attributes:
        accepted: the tokens that it accepts, which are their users' names.
        allowed: those users who may read.
    """

    accepted: set[str] = field(default_factory=lambda: {"ann", "bob"})
    allowed: set[str] = field(default_factory=lambda: {"ann"})

    async def answer(self, request: Received) -> bytes | AsyncIterator[bytes] | None:
        if request.target.endswith("/tokenreviews"):
            token = msgspec.json.decode(request.body)["spec"]["token"]
            user = {"authenticated": token in self.accepted, "user": {"username": token}}
            return json_answer(201, msgspec.json.encode({"status": user}))
        if request.target.endswith("/subjectaccessreviews"):
            user = msgspec.json.decode(request.body)["spec"]["user"]
            return json_answer(201, msgspec.json.encode({"status": {"allowed": user in self.allowed}}))
        # By name, as a dataclass with slots has another class than the one that super() knows.
        return await Apiserver.answer(self, request)


async def started(front: StartFront, apiserver: Reviewing, **settings: Any) -> Front:
    given = {"identity_cache_seconds": LONG, "allowed_cache_seconds": LONG, "denied_cache_seconds": 0.0, **settings}
    service = await front(apiserver.answer, token="own", auth_mode="delegated", cache=True, **given)
    await synced(service)
    return service


@READS
async def test_a_known_read_is_answered_to_the_one_who_is_let_in_and_to_nobody_else(
    front: StartFront, ways: Ways, path: str
) -> None:
    service = await started(front, Reviewing())
    await learn(service, path, path, headers=ANN)
    assert ways.gone == (1, 1)
    async with connected(service.api.url) as connection:
        for headers, code in ((BOB, 403), ({"Authorization": "Bearer eve"}, 401), ({}, 401)):
            for _ in range(2):
                assert (await connection.ask(path, headers)).status == code
        assert (await connection.ask(path, {"Authorization": "Basic YTpi"})).status == 401
        assert (await connection.ask(path, {**ANN, "Impersonate-User": "bob"})).status == 400
        assert ways.prompt == 1
        assert (await connection.ask(path, ANN)).status == 200
    assert ways.prompt == 2


@READS
@pytest.mark.parametrize(
    ("taken", "code", "times"),
    [
        ("accepted", 401, {"identity_cache_seconds": MOMENT}),
        ("allowed", 403, {"allowed_cache_seconds": MOMENT}),
        ("allowed", 403, {"allowed_cache_seconds": 0.0}),
        ("accepted", 401, {"identity_cache_seconds": 0.0}),
    ],
    ids=["a token", "a right", "a right that is never remembered", "a token that is never remembered"],
)
async def test_what_is_taken_away_is_refused_once_its_time_is_over(
    front: StartFront, ways: Ways, path: str, taken: str, code: int, times: dict[str, float]
) -> None:
    apiserver = Reviewing()
    service = await started(front, apiserver, **times)
    await learn(service, path, path, headers=ANN)
    if 0.0 in times.values():
        assert ways.gone[0] == 0
    getattr(apiserver, taken).clear()
    async with connected(service.api.url) as connection:

        async def is_refused() -> bool:
            return (await connection.ask(path, ANN)).status == code

        await eventually_true(is_refused)
        prompt = ways.prompt
        for _ in range(3):
            assert await is_refused()
        assert ways.prompt == prompt
        getattr(apiserver, taken).add("ann")
        assert (await connection.ask(path, ANN)).status == 200


async def test_what_is_remembered_for_so_long_only_is_asked_again_and_known_anew(
    front: StartFront, ways: Ways
) -> None:
    service = await started(front, Reviewing(), identity_cache_seconds=MOMENT)
    async with connected(service.api.url) as connection:

        async def routed_again() -> bool:
            assert (await connection.ask(CACHED, ANN)).status == 200
            return ways.routed >= 3

        await eventually_true(routed_again)
        prompt = ways.prompt

        async def prompt_again() -> bool:
            assert (await connection.ask(CACHED, ANN)).status == 200
            return ways.prompt > prompt

        await eventually_true(prompt_again)


@READS
async def test_lookups_of_reviews_are_counted_as_the_routes_count_them(
    front: StartFront, ways: Ways, path: str
) -> None:
    service = await started(front, Reviewing())
    await learn(service, *[path] * 4, headers=ANN)
    assert ways.gone == (3, 1)
    for cache in ("identities", "decisions"):
        told = [
            value(service.app, "review_cache_lookups_total", cache=cache, result=each) for each in ("hit", "miss")
        ]
        assert told == [3, 1], cache


async def test_in_mode_passthrough_nothing_is_known(front: StartFront, ways: Ways) -> None:
    apiserver = Apiserver()
    service = await front(apiserver.answer, token="own", auth_mode="passthrough")
    await learn(service, ONE, ONE, headers=ANN)
    await learn(service, ONE, headers=BOB)
    assert ways.gone == (0, 3)
    assert [each.headers["Authorization"] for each in apiserver.arrived] == [
        "Bearer ann",
        "Bearer ann",
        "Bearer bob",
    ]


@pytest.mark.parametrize(
    ("request_head", "code"),
    [
        (head(CACHED, {"Sec-Fetch-Site": "cross-site"}), 403),
        (head(CACHED, {"Origin": "http://evil.example"}), 403),
        (head(CACHED).replace(b"localhost", b"evil.example"), 403),
        (head(CACHED, {"Host": "localhost"}), 400),
        (head(CACHED, {"Content-Encoding": "gzip"}), 415),
        (head(CACHED, {"If-None-Match": '"5"'}), 304),
        (head(CACHED).replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
        (head(CACHED, {"Connection": "close"}), 200),
        (head(CACHED, method="HEAD"), 200),
        (head(CACHED, {"Content-Length": "2"}) + b"{}", 200),
        (head(CACHED, {"Accept": "application/yaml"}), 200),
        (head(CACHED, method="PUT"), 405),
        (head(CACHED, method="DELETE"), 400),
    ],
)
async def test_a_request_that_differs_goes_through_the_routes(
    front: StartFront, ways: Ways, request_head: bytes, code: int
) -> None:
    service = await front(Apiserver().answer, cache=True)
    await synced(service)
    await learn(service, CACHED, CACHED)
    assert ways.gone == (1, 1)
    texts = []
    for closed in (False, True):
        ways.closed = closed
        async with connected(service.api.url) as connection:
            connection.writer.write(request_head)
            text = await connection.reader.readuntil(b"\r\n\r\n")
            texts.append([each for each in text.split(b"\r\n") if not each.startswith((b"Date", b"X-Req", b"Age"))])
    assert ways.prompt == 1
    assert texts[0] == texts[1]
    assert texts[0][0].split()[1] == b"%d" % code


async def test_what_the_routes_answer_after_all_is_looked_up_once(front: StartFront, ways: Ways) -> None:
    apiserver = Reviewing()
    service = await started(front, apiserver)
    await learn(service, CACHED, headers=ANN)
    apiserver.tell("DELETED", raw_job("one", 6))
    apiserver.jobs.clear()
    await eventually(lambda: not len(service.live.scope_of(None).cache.store))
    async with connected(service.api.url) as connection:
        for _ in range(3):
            assert_is_status(await connection.ask(CACHED, ANN), 404, "NotFound")
    assert ways.gone == (0, 4)
    for cache in ("identities", "decisions"):
        assert value(service.app, "review_cache_lookups_total", cache=cache, result="hit") == 3, cache
