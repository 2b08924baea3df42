"""Which pods a Job has, and how they change: a list, then a watch from exactly there."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

import msgspec
import structlog

from service.errors import ApiError
from service.kube.answers import Refused
from service.kube.client import KubeClient
from service.kube.job_pods import JobPods
from service.kube.lists import begun_anew, pages
from service.kube.pods import Pod, read_pod
from service.kube.raw_lists import read_list
from service.kube.responses import UpstreamBroken
from service.kube.watch import watching
from service.resources import PODS

_log = structlog.stdlib.get_logger(__name__)

_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class PodChange(NamedTuple):
    """A pod as it is now.

    Attributes:
        pod: its state; of one that is gone, the last that was seen.
        is_gone: whether it is no longer there.
    """

    pod: Pod
    is_gone: bool


class PodListing(NamedTuple):
    """The pods at one moment.

    Attributes:
        pods: their states.
        resource_version: the moment.
    """

    pods: Sequence[Pod]
    resource_version: str


class PodFeed:
    """Tells of a Job's pods.

    Args:
        client: the connections.
        namespace: the Job's namespace.
        pods: tells them from others.
        only: the name of the one pod that matters; empty for all of them.
        silence_seconds: how long a watch may be silent.
    """

    def __init__(
        self, client: KubeClient, namespace: str, pods: JobPods, only: str, silence_seconds: float
    ) -> None:
        self._client = client
        self._path = PODS.path(namespace)
        self._pods = pods
        self._selectors = {"labelSelector": pods.label_selector}
        if only:
            self._selectors["fieldSelector"] = f"metadata.name={only}"
        self._silence_seconds = silence_seconds

    async def list(self) -> PodListing:
        """Return the pods as they are now.

        Raises:
            ApiError: there is no answer.
            Refused: it was refused.
            UpstreamBroken: it broke off.
            msgspec.DecodeError: it is no PodList.
        """
        return await begun_anew(self._listed)

    async def changes(self, listing: PodListing) -> AsyncGenerator[PodChange, None]:
        """Yield each change since a list, and never end.

        Raises:
            Refused: the pods may not be watched.
        """
        known = _Known(listing)
        pause = _SHORTEST_PAUSE_SECONDS
        while True:
            try:
                async with aclosing(self._changes_until_the_end(known)) as changes:
                    async for change in changes:
                        pause = _SHORTEST_PAUSE_SECONDS
                        yield change
            except Refused as refused:
                if refused.is_denial:
                    raise
                known.resource_version = ""
            except (ApiError, UpstreamBroken):
                pass  # the watch goes on from where it was
            except msgspec.DecodeError:
                _log.warning("the apiserver's pods cannot be read")
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (no secret)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _changes_until_the_end(self, known: "_Known") -> AsyncGenerator[PodChange, None]:
        """Yield changes until the watch ends, from a list on where it is not known from when to watch."""
        if not known.resource_version:
            listing = await self.list()
            for change in known.differences(listing):
                yield change
        asked = {**self._selectors, "resourceVersion": known.resource_version}
        async with watching(self._client, self._path, asked, self._silence_seconds) as events:
            async for event in events:
                if event.type == "ERROR":
                    known.resource_version = ""
                    return
                known.resource_version = str(event.resource_version)
                if event.type != "BOOKMARK" and self._pods.includes(pod := read_pod(event.object)):
                    yield known.changed(pod, is_gone=event.type == "DELETED")

    async def _listed(self) -> PodListing:
        listed: list[Pod] = []
        async with aclosing(pages(self._client, self._path, self._selectors, read_list)) as found:
            async for page in found:
                listed += (pod for pod in map(read_pod, page.items) if self._pods.includes(pod))
        return PodListing(listed, page.resource_version)


class _Known:
    """What a feed has told, and up to when; the moment is empty where a watch cannot go on from it."""

    def __init__(self, listing: PodListing) -> None:
        self.resource_version = listing.resource_version
        self._pods = {pod.uid: pod for pod in listing.pods}

    def changed(self, pod: Pod, *, is_gone: bool) -> PodChange:
        self._pods[pod.uid] = pod
        if is_gone:
            del self._pods[pod.uid]
        return PodChange(pod, is_gone)

    def differences(self, listing: PodListing) -> list[PodChange]:
        """Return what has changed until a list, and go on from there."""
        before = self._pods
        self._pods = {pod.uid: pod for pod in listing.pods}
        self.resource_version = listing.resource_version
        gone = (pod for uid, pod in before.items() if uid not in self._pods)
        return [*(PodChange(pod, False) for pod in listing.pods), *(PodChange(pod, True) for pod in gone)]
