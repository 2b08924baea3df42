"""Follows one container's log to its end, through its restarts and through those of the servers between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

from service.errors import ApiError
from service.kube.pods import Status
from service.kube.responses import UpstreamBroken, UpstreamResponse
from service.logs.followed_pod import FollowedPod
from service.logs.options import LogOptions
from service.logs.output import Output
from service.logs.progress import Progress
from service.logs.reading import prefix_of
from service.logs.unreadable import Unreadable, told_of
from service.logs.upstream import LogSource

# Until a log is asked for again whose container should still be writing it.
_SHORTEST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0
# How often the log of a container that has ended is asked for when it breaks off, or is not to be had just now.
_MOST_ATTEMPTS = 5


class FollowedContainer:
    """Follows one container's log.

    A stream that ends proves nothing: the kubelet's end, or that of a run, looks like the log's. So the log is
    asked for again, from its last line on, until one ends that was known to be written no more.

    Args:
        source: asks for the log.
        followed: the pod.
        container: the container's name.
        options: what is asked for.
        output: takes the lines.

    Attributes:
        container: the same.
    """

    def __init__(
        self, source: LogSource, followed: FollowedPod, container: str, options: LogOptions, output: Output
    ) -> None:
        self.container = container
        self._source = source
        self._followed = followed
        self._output = output
        self._options = options
        before = followed.before.status_of(container) if followed.before else Status(container)
        self._began_before = before.has_run
        # The latest run whose log was asked for, or the first that matters: of what began before, the present one.
        self._run = before.restart_count if before.has_run else 0
        self._is_whole = False
        self._missing: Unreadable | None = None
        self._progress = Progress(
            keeps_times=options.timestamps,
            limit_bytes=options.limit_bytes,
            begins_within=self._began_before and options.tail_lines is not None,
        )

    @property
    def pod_name(self) -> str:
        """The pod's name."""
        return self._followed.pod.name

    async def read(self, slots: asyncio.Semaphore) -> None:
        """Pass on the log until there will be no more of it.

        Args:
            slots: how many logs may be read at a time.

        Raises:
            Unreadable: there was none, or it broke off for good.
            Refused: it may not be read.
        """
        await self._followed.until(lambda: self._status.has_run or self._is_over)
        pause, failures, now = _SHORTEST_PAUSE_SECONDS, 0, asyncio.get_running_loop().time
        while True:
            async with slots:
                began = now()
                was_over, run, known = self._is_over, self._status.restart_count, self._progress.latest
                is_whole = await self._passed_on(run, was_over=was_over)
            if self._progress.is_full or (is_whole and was_over):
                return
            failures += was_over
            if failures == _MOST_ATTEMPTS:
                if self._missing is not None:
                    raise self._missing
                raise Unreadable(503, "the log broke off, and could not be read again")
            if known != self._progress.latest or now() - began > _LONGEST_PAUSE_SECONDS:
                pause = _SHORTEST_PAUSE_SECONDS
            await self._wait(run, pause, is_whole=is_whole)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _passed_on(self, run: int, *, was_over: bool) -> bool:
        """Pass on what is new, and tell whether the stream came to an end of its own.

        Args:
            run: how often the container was started again before.
            was_over: whether it had ended for good, so that there is nothing to follow.

        Raises:
            Unreadable: there is no log, nor will there be.
            Refused: it may not be read.
        """
        try:
            if run > self._run:  # what is not known of the one before is soon forgotten
                with suppress(Unreadable):
                    await self._pass_on(self._asked() | {"previous": "true"})
                self._began_before = False
            self._run = run
            await self._pass_on(self._asked() | ({} if was_over else {"follow": "true"}))
        except Unreadable as error:
            self._missing = error
            if not was_over or error.is_passing:
                return False
            if not self._progress.has_begun:
                raise self._with_its_cause(error) from None
            if not self._is_whole:
                raise Unreadable(error.code, f"the log broke off, and its rest is gone: {error.reason}") from None
        except (ApiError, UpstreamBroken):
            self._missing = None
            return False
        return True

    def _with_its_cause(self, error: Unreadable) -> Unreadable:
        obstacle = self._followed.obstacle_of(self.container)
        if obstacle is None or obstacle.message in error.reason:
            return error
        return Unreadable(error.code, f"{error.reason}; before, it was {told_of(obstacle)}")

    async def _pass_on(self, asked: dict[str, str]) -> None:
        async with await self._source.opened(self._followed.pod, self.container, asked) as upstream:
            await self._output.sink.begin()
            self._progress.begin()
            was_whole, known = self._is_whole, self._progress.latest
            self._is_whole = False
            prefix = prefix_of(self._options, self._followed.pod, self.container)
            await self._output.relay(self._chunks(upstream), prefix, self._progress.take)
            if self._progress.complaint:
                # Of a container that was removed since its log came to an end, there is nothing more to miss.
                self._is_whole = was_whole and known == self._progress.latest
                raise Unreadable(500, self._progress.complaint)
            self._is_whole = True

    async def _wait(self, run: int, pause: float, *, is_whole: bool) -> None:
        """Wait until there may be more of the log."""
        if self._is_over:
            if not is_whole:
                await asyncio.sleep(pause)
            return
        ended = is_whole and self._status.has_run and self._status.state.running is None
        await self._followed.until(
            lambda: self._is_over or self._status.restart_count != run, None if ended else pause
        )

    async def _chunks(self, upstream: UpstreamResponse) -> AsyncIterator[bytes]:
        async for chunk in upstream.chunks():
            yield chunk
            if self._progress.is_full:
                return

    def _asked(self) -> dict[str, str]:
        """Return what asks for the log, from the last known line on; each line with its time."""
        asked = replace(self._options, limit_bytes=None, timestamps=True)
        if self._progress.latest:
            asked = replace(asked, since_time=self._progress.latest)
        if self._progress.latest or not self._began_before:  # nothing that begins while it is followed is too old
            asked = replace(asked, since_seconds=None, tail_lines=None)
        return asked.parameters(self.container)

    @property
    def _status(self) -> Status:
        return self._followed.pod.status_of(self.container)

    @property
    def _is_over(self) -> bool:
        return self._followed.is_over(self.container)
