"""Whatever befalls a read that is known, its caller, the log and the metrics are told what the routes tell."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.api import cached_reads, prompt_calls, streaming
from tests.api.test_admission import held
from tests.api.test_metrics import requests
from tests.cache.conftest import Front, StartFront
from tests.cache.jobs import raw_job, status
from tests.callers import Answer, assert_is_status
from tests.conftest import StartService
from tests.prompt import CACHED, ONE, Apiserver, Ways, connected, learn, plain, synced
from tests.upstream import Received, Upstream, http, json_answer
from tests.waiting import eventually

SOON = 0.2
MINE = {"X-Request-Id": "mine"}
CHUNKED = http(200, b"5\r\nhello\r\n", {"Transfer-Encoding": "chunked"}, length=False)
WHOLE = json_answer(200, raw_job("one", 5))
SILENT = b""

FAULTS: dict[str, tuple[bytes | None, int | None]] = {
    "a Status": (json_answer(404, status(404, "NotFound")), 404),
    "no Status": (http(500, b"no Status", {"Content-Type": "text/plain"}), 500),
    "a Status that says 500": (json_answer(500, status(500, "InternalError")), 500),
    "nothing": (http(503), 503),
    "too many": (http(429, status(429), {"Content-Type": "application/json", "Retry-After": "7"}), 429),
    "a redirect": (http(302, headers={"Location": "http://evil.example"}), 503),
    "the service's credentials are refused": (json_answer(401, status(401, "Unauthorized")), 503),
    "no HTTP": (b"nonsense\r\n\r\n", 503),
    "dropped": (None, 503),
    "silence": (SILENT, 504),
    "cut": (WHOLE[:-20], None),
    "cut within chunks": (CHUNKED, None),
    "silence within the body": (WHOLE[:-20] + SILENT, None),
}


async def outcome(service: Front) -> Answer | bytes:
    """Return the answer, or what there is of one that is cut."""
    async with connected(service.api.url) as connection:
        connection.send(ONE, MINE)
        try:
            return await connection.answer()
        except asyncio.IncompleteReadError as error:
            return error.partial
        except ConnectionError:
            return b""


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the audit lines so far, without what differs between any two; begin anew."""
    found = [record.getMessage() for record in caplog.records if record.name == "service.audit"]
    caplog.clear()
    return [re.sub(r"duration_ms=[0-9.]+ ", "", each) for each in found]


def counted(service: Front) -> list[float]:
    ends = ("success", 200), ("aborted", 502), *(("server_error", code) for code in (500, 502, 503, 504))
    return [requests(service.app, outcome, code) for outcome, code in ends]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_upstream_is_told_as_the_routes_tell_it(
    front: StartFront, ways: Ways, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level("INFO", "service.audit")
    told, code = FAULTS[fault]
    apiserver = Apiserver()
    deadlines = {"upstream_first_byte_seconds": SOON, "chunk_seconds": SOON}
    service = await front(apiserver.answer, token="own", **deadlines)
    await learn(service, ONE)

    async def pieces(beginning: bytes) -> AsyncIterator[bytes]:
        yield beginning
        if fault.startswith("silence"):
            await asyncio.Event().wait()

    async def instead(_: Received) -> bytes | AsyncIterator[bytes] | None:
        return None if told is None else pieces(told)

    apiserver.instead = instead
    outcomes, audited, counts = [], [], [counted(service)]
    for closed in (False, True):
        lines(caplog)
        ways.closed = closed
        outcomes.append(await outcome(service))
        audited.append(await eventually(lambda: lines(caplog)))
        counts.append(counted(service))
        assert ways.routed == 1 + closed
    prompt, routed = outcomes
    if code is None:
        assert prompt == routed == b""
    else:
        assert isinstance(prompt, Answer)
        assert isinstance(routed, Answer)
        assert plain(prompt) == plain(routed)
        assert prompt.status == code
        assert prompt.headers["X-Request-Id"] == "mine"
        assert prompt.json["code"] == code
    assert audited[0] == audited[1]
    assert [b - a for a, b in zip(*counts[:2], strict=True)] == [b - a for a, b in zip(*counts[1:], strict=True)]
    assert held(service) == 0
    apiserver.instead = None
    ways.closed = False
    assert (await service.api("GET", ONE)).status == 200


async def test_an_apiserver_that_is_gone_is_503_with_retry_after(
    tmp_path: Path, start_service: StartService, ways: Ways
) -> None:
    async with Upstream(Apiserver().answer) as upstream:
        url = await start_service(kubeconfig=upstream.kubeconfig(tmp_path))
        async with connected(url) as connection:
            assert (await connection.ask(ONE)).status == 200
            assert (await connection.ask(ONE)).status == 200
    answers = []
    async with connected(url) as connection:
        for closed in (False, True):
            ways.closed = closed
            answers.append(await connection.ask(ONE))
    assert ways.gone == (2, 2)
    assert_is_status(answers[0], 503, "ServiceUnavailable")
    assert answers[0].headers["Retry-After"] == "1"
    assert plain(answers[0]) == plain(answers[1])


@pytest.mark.parametrize("path", [ONE, CACHED])
async def test_a_bug_is_500_with_the_request_id_under_which_the_log_has_it(
    front: StartFront,
    ways: Ways,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    def raise_a_bug(*_: object) -> None:
        raise ValueError("the secret text of an exception")

    service = await front(Apiserver().answer, cache=True)
    await synced(service)
    await learn(service, path)
    for module, name in (
        (prompt_calls, "relayed_pairs"),
        (streaming, "relayed_headers"),
        (prompt_calls, "find_job"),
        (cached_reads, "find_job"),
    ):
        monkeypatch.setattr(module, name, raise_a_bug)
    answers = []
    async with connected(service.api.url) as connection:
        for closed in (False, True):
            ways.closed = closed
            caplog.clear()
            answers.append(await connection.ask(path, MINE))
            assert "ValueError" in caplog.text
            assert "request_id='mine'" in caplog.text
        monkeypatch.undo()
        assert (await connection.ask(path)).status == 200
    message = assert_is_status(answers[0], 500, "InternalError")["message"]
    assert "mine" in message
    assert "secret" not in message
    assert plain(answers[0]) == plain(answers[1])
    assert held(service) == 0
