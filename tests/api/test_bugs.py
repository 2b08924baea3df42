"""A bug of ours tells its caller nothing but where to look, and never passes for an answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from service.api import streaming
from service.kube.responses import UpstreamResponse
from tests.callers import Caller, assert_is_status
from tests.conftest import StartService
from tests.upstream import Received, Upstream, json_answer

JOBS = "/api/v1/_raw/job/namespace/default"
JOB = JOBS + "/name/one"


async def large(_: Received) -> bytes:
    return json_answer(200, b"x" * 100_000)


def raise_a_bug(*_: object) -> None:
    raise ValueError("the secret text of an exception")


async def test_before_the_answer_it_is_500_with_the_request_id(
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(streaming, "relayed_headers", raise_a_bug)
    async with Upstream(large) as upstream:
        api = Caller(http_client, await start_service(kubeconfig=upstream.kubeconfig(tmp_path)), {})
        answer = await api("GET", JOB, headers={"X-Request-Id": "find-me"})
    message = assert_is_status(answer, 500, "InternalError")["message"]
    assert "find-me" in message
    assert "secret" not in message
    assert "find-me" in caplog.text
    assert "ValueError" in caplog.text


async def test_within_the_answer_it_cuts_the_connection(
    tmp_path: Path,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def chunks(_: UpstreamResponse) -> AsyncIterator[bytes]:
        yield b"x" * 10
        raise_a_bug()

    monkeypatch.setattr(UpstreamResponse, "chunks", chunks)
    async with Upstream(large) as upstream:
        api = Caller(http_client, await start_service(kubeconfig=upstream.kubeconfig(tmp_path)), {})
        with pytest.raises(aiohttp.ClientError):
            await api("GET", JOBS)
        assert (await api("GET", "/livez")).status == 200
