"""What ends a stream: its time, the service, or its caller's rights."""

import asyncio
from types import SimpleNamespace

import pytest

from service.api import streams
from service.api.streams import Streams
from service.errors import ApiError, Forbidden, InternalError, ServiceUnavailable, Timeout, Unauthorized
from tests.waiting import WATCHDOG_SECONDS, eventually

AWAY = (ServiceUnavailable("told by a test"), Timeout("told by a test"))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reviews follow each other at once, however patient they are."""
    monkeypatch.setattr(streams, "random", SimpleNamespace(uniform=lambda *_: 0.0))
    monkeypatch.setattr(streams, "_PAUSE_SECONDS", 0.0)


class Reviews:
    """Says what a script says, and then yes, once it is asked for the last time."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.over = asyncio.Event()
        self._outcomes = list(outcomes)

    async def review(self) -> None:
        if not self._outcomes:
            self.over.set()
            await asyncio.Event().wait()
        if (outcome := self._outcomes.pop(0)) is not None:
            raise outcome


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("refusal", [Forbidden("told by a test"), Unauthorized("told by a test")])
async def test_a_no_ends_it_at_once_with_what_was_said(refusal: ApiError) -> None:
    opened = Streams(WATCHDOG_SECONDS)
    with pytest.raises(type(refusal)) as ended:
        async with opened.lasting(WATCHDOG_SECONDS, Reviews(None, None, refusal, None).review):
            await for_ever()
    assert ended.value is refusal
    assert not opened._open


async def test_an_apiserver_that_is_away_for_a_moment_ends_nothing() -> None:
    reviews = Reviews(*AWAY, *AWAY, None, *AWAY, None)
    async with Streams(WATCHDOG_SECONDS).lasting(WATCHDOG_SECONDS, reviews.review):
        await reviews.over.wait()


@pytest.mark.parametrize("outcome", AWAY, ids=lambda error: type(error).__name__)
async def test_an_apiserver_that_is_away_for_long_ends_it(outcome: ApiError) -> None:
    async def review() -> None:
        raise outcome

    with pytest.raises(type(outcome)):
        async with Streams(0.01).lasting(WATCHDOG_SECONDS, review):
            await for_ever()


async def test_what_nobody_foresaw_ends_it_and_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InternalError) as ended:
        async with Streams(WATCHDOG_SECONDS).lasting(WATCHDOG_SECONDS, Reviews(LookupError("a secret")).review):
            await for_ever()
    assert "secret" not in ended.value.message
    assert "a stream ends, because it cannot be reviewed" in caplog.text


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.01])
@pytest.mark.parametrize("is_reviewed", [False, True])
async def test_its_time_is_over_when_it_is_over(seconds: float, is_reviewed: bool) -> None:
    opened = Streams(WATCHDOG_SECONDS)
    with pytest.raises(TimeoutError):
        async with opened.lasting(seconds, Reviews().review if is_reviewed else None):
            await for_ever()
    assert not opened._open


async def test_all_end_with_the_service_and_so_does_what_comes_after() -> None:
    opened = Streams(WATCHDOG_SECONDS)

    async def last() -> None:
        async with opened.lasting(WATCHDOG_SECONDS, Reviews().review):
            await for_ever()

    lasting = [asyncio.create_task(last()) for _ in range(3)]
    await eventually(lambda: len(opened._open) == 3)
    opened.end()
    for outcome in await asyncio.gather(*lasting, last(), return_exceptions=True):
        assert isinstance(outcome, TimeoutError)
    assert opened.ending
    assert not opened._open


async def test_the_review_under_way_ends_with_the_caller_who_leaves() -> None:
    opened, reviews = Streams(WATCHDOG_SECONDS), Reviews()

    async def last() -> None:
        async with opened.lasting(WATCHDOG_SECONDS, reviews.review):
            await for_ever()

    lasting = asyncio.create_task(last())
    await reviews.over.wait()
    lasting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lasting
    assert not opened._open
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_goes_wrong_within_is_not_taken_for_an_end() -> None:
    with pytest.raises(ConnectionResetError):
        async with Streams(WATCHDOG_SECONDS).lasting(WATCHDOG_SECONDS, Reviews().review):
            raise ConnectionResetError
