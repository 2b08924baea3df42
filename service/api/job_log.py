"""One answer that is a Job's log."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

import msgspec
from aiohttp import web

from service.api import guard, keys
from service.api.log_response import CallerStalled, LogResponse
from service.api.observed_jobs import followed_job, read_job_now
from service.api.streaming import relay
from service.errors import ApiError, NotFound, ServiceUnavailable
from service.kube.answers import Refused
from service.kube.conditions import terminal_condition
from service.kube.job_pods import pods_of
from service.kube.jobs import Job
from service.kube.pods import Pod
from service.kube.responses import UpstreamBroken
from service.logs.following import Follower
from service.logs.options import LogOptions
from service.logs.output import Output
from service.logs.pod_feed import PodFeed, PodListing
from service.logs.reading import read_logs
from service.logs.unreadable import Unread, details_of, message_of, no_pods, nothing_readable, reason_of
from service.logs.upstream import LogSource
from service.resources import JOBS, PODS


class JobLog:
    """Answers with a Job's log.

    Args:
        request: the caller's.
        namespace: the Job's namespace.
        name: the Job's name.
        options: what is asked for.
    """

    def __init__(self, request: web.Request, namespace: str, name: str, options: LogOptions) -> None:
        self._request = request
        self._namespace = namespace
        self._name = name
        self._options = options
        self._source = LogSource(request[keys.KUBE_CLIENT], namespace)
        self._response = LogResponse(request)
        self._output = Output(self._response)
        self._job: Job | None = None  # as it was last seen; none is gone

    async def read(self) -> web.StreamResponse:
        """Answer with the logs that there are.

        An answer that has begun and cannot be finished is cut off.

        Raises:
            ApiError: nothing can be read, or there is no answer.
            Refused, UpstreamBroken, msgspec.DecodeError: the Job or its pods cannot be read.
        """
        job = self._present(await read_job_now(self._request, self._namespace, self._name))
        listing = await self._listing(self._feed(job))
        if self._options.is_of_one:
            return await self._relayed(listing.pods[0])
        try:
            return await self._ended(job, await read_logs(self._source, listing.pods, self._options, self._output))
        except (ApiError, Refused, UpstreamBroken, CallerStalled):
            if not self._response.has_begun:
                raise
            return self._response.cut()

    async def follow(self) -> web.StreamResponse:
        """Answer with the logs until the Job is over.

        Raises:
            ApiError, Refused, UpstreamBroken, msgspec.DecodeError: as in `read`.
        """
        try:
            return await self._followed_to_its_end()
        except (Refused, UpstreamBroken, msgspec.DecodeError, CallerStalled):
            if not self._response.has_begun:
                raise
            return self._response.cut()

    async def _followed_to_its_end(self) -> web.StreamResponse:
        try:
            async with self._request.app[keys.STREAMS].lasting(None, guard.review_of(self._request)):
                return await self._followed()
        except TimeoutError:
            return await self._told(ServiceUnavailable("the service is shutting down; follow again"))
        except ApiError as error:
            return await self._told(error)
        except Refused as refused:
            if not (self._response.has_begun and refused.is_denial):
                raise
            return await self._told(ApiError(message_of(refused.answer.body), code=refused.answer.status))

    async def _followed(self) -> web.StreamResponse:
        async with aclosing(followed_job(self._request, self._namespace, self._name)) as states:
            self._job = job = self._present(await anext(states))
            feed = self._feed(job)
            follower = Follower(self._source, feed, self._options, self._output)
            job_is_over = None if self._options.pod else partial(self._until_over, job.uid, states)
            unread = await follower.follow(await self._listing(feed), job_is_over)
            return await self._ended(self._job, unread)

    async def _until_over(self, uid: str, states: AsyncIterator[Job | None]) -> None:
        """Return when the Job has finished, or is gone."""
        while self._job is not None and not terminal_condition(self._job):
            state = await anext(states)
            self._job = state if state is not None and state.uid == uid else None

    def _feed(self, job: Job) -> PodFeed:
        silence = self._request.app[keys.SETTINGS].watch_silence_seconds
        client = self._request[keys.KUBE_CLIENT]
        return PodFeed(client, self._namespace, pods_of(job.raw), self._options.pod, silence)

    async def _listing(self, feed: PodFeed) -> PodListing:
        listing = await feed.list()
        if self._options.pod and not listing.pods:
            told = f'{PODS.plural} "{self._options.pod}" not found: it is none of the pods of {self._named()}'
            raise NotFound(told, details={"name": self._options.pod, "kind": PODS.plural})
        return listing

    def _present(self, job: Job | None) -> Job:
        if job is None:
            raise NotFound(f"{self._named()} not found", details=details_of(self._name))
        return job

    async def _relayed(self, pod: Pod) -> web.StreamResponse:
        """Answer with the bytes of one container's log, or with the reason why not, as the apiserver has them."""
        (container,) = self._options.containers_of(pod)
        async with await self._source.answered(pod.name, self._options.parameters(container)) as upstream:
            if upstream.status != 204:
                return await relay(self._request, upstream)
        raise nothing_readable(self._name, [Unread(pod.name, container, 400, reason_of(pod, container, 204, b""))])

    async def _ended(self, job: Job | None, unread: list[Unread]) -> web.StreamResponse:
        """End the answer with what could not be read."""
        if not self._response.has_begun:
            raise nothing_readable(self._name, unread) if unread else no_pods(self._name, job)
        if unread and self._options.is_of_one:
            return self._response.cut()
        for each in unread:
            await self._output.write(each.line)
        return await self._response.end()

    async def _told(self, error: ApiError) -> web.StreamResponse:
        """Say in the last line why the log ends here, where it may have a line that no container wrote."""
        if not self._response.has_begun:
            raise error
        if self._options.is_of_one:
            return self._response.cut()
        await self._output.write(f"[job/{self._name}] -- {error.message}\n".encode())
        return await self._response.end()

    def _named(self) -> str:
        return f'{JOBS.plural}.{JOBS.group} "{self._name}"'
