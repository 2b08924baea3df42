"""Follows the logs of a Job's pods, those that are there and those to come, until all are read."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import TypeAlias

import msgspec

from service.errors import ApiError
from service.kube.answers import Refused
from service.kube.pods import Pod
from service.kube.responses import UpstreamBroken
from service.logs.followed_container import FollowedContainer
from service.logs.followed_pod import FollowedPod
from service.logs.options import LogOptions
from service.logs.output import Output
from service.logs.pod_feed import PodFeed, PodListing
from service.logs.unreadable import Unread, Unreadable
from service.logs.upstream import LogSource

# Of one caller at a time; more containers than these are read once others have ended.
MOST_STREAMS = 100
# Until the pods are asked for again when the apiserver did not answer.
_PAUSE_SECONDS = 1.0

# Returns when no more pods will come.
JobIsOver: TypeAlias = Callable[[], Awaitable[None]]


class Follower:
    """Follows the logs of one Job's pods; each container has a task of its own.

    Args:
        source: asks for the logs.
        feed: tells of the pods.
        options: what is asked for.
        output: takes the lines.
    """

    def __init__(self, source: LogSource, feed: PodFeed, options: LogOptions, output: Output) -> None:
        self._source = source
        self._feed = feed
        self._options = options
        self._output = output
        self._slots = asyncio.Semaphore(MOST_STREAMS)
        self._pods: dict[str, FollowedPod] = {}
        self._readers: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._unread: list[Unread] = []

    async def follow(self, listing: PodListing, job_is_over: JobIsOver | None) -> list[Unread]:
        """Pass on what the pods log, until all of them are read.

        Args:
            listing: the pods that are there.
            job_is_over: as the type says; None where no others than these matter.

        Returns:
            What could not be read.

        Raises:
            BadRequest: the pods have no container of the name that is asked for.
            Refused: the pods may not be watched, or a log not be read.
            Exception: whatever `job_is_over` raises, or the sink.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for pod in listing.pods:
                    self._take(tasks, pod, is_new=False)
                keeping = tasks.create_task(self._keep(tasks, listing))
                if job_is_over is not None:
                    await job_is_over()
                    await self._take_the_last(tasks)
                await _done(self._readers.values())
                keeping.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return self._unread

    async def _keep(self, tasks: asyncio.TaskGroup, listing: PodListing) -> None:
        async with aclosing(self._feed.changes(listing)) as changes:
            async for change in changes:
                self._take(tasks, change.pod, is_new=True, is_gone=change.is_gone)

    async def _take_the_last(self, tasks: asyncio.TaskGroup) -> None:
        """Take the pods of a Job that is over: its end may be known here before they are."""
        pods = {pod.uid: pod for pod in await self._listed()}
        for pod in pods.values():
            self._take(tasks, pod, is_new=True)
        for uid, followed in self._pods.items():
            if uid not in pods:
                followed.change(followed.pod, is_gone=True)
            followed.end_job()

    async def _listed(self) -> Iterable[Pod]:
        while True:
            try:
                return (await self._feed.list()).pods
            except (ApiError, Refused, UpstreamBroken, msgspec.DecodeError) as error:
                if isinstance(error, Refused) and error.is_denial:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)

    def _take(self, tasks: asyncio.TaskGroup, pod: Pod, *, is_new: bool, is_gone: bool = False) -> None:
        """Take note of a pod's state, and read the containers of it that are not read yet."""
        followed = self._pods.setdefault(pod.uid, FollowedPod(pod, is_new=is_new))
        followed.change(pod, is_gone=is_gone)
        for container in self._options.containers_of(pod):
            if (pod.uid, container) not in self._readers:
                reader = FollowedContainer(self._source, followed, container, self._options, self._output)
                self._readers[pod.uid, container] = tasks.create_task(self._read(reader))

    async def _read(self, reader: FollowedContainer) -> None:
        try:
            await reader.read(self._slots)
        except Unreadable as error:
            self._unread.append(Unread(reader.pod_name, reader.container, error.code, error.reason))


async def _done(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Return when tasks are done, and those that were added meanwhile."""
    while pending := [task for task in tasks if not task.done()]:
        await asyncio.wait(pending)
