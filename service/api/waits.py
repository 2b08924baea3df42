"""Waiting for a Job without polling. Section 6 of the contract."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
from aiohttp import web

from service.api import guard, keys, query
from service.api.accept import form_of
from service.api.answers import JSON, Answer, reference
from service.api.observed_jobs import observed_job
from service.api.operations import JOB, Operation, Parameters
from service.api.streaming import answer_with, relay_answer
from service.errors import ApiError, Conflict, NotAcceptable, NotFound, ServiceUnavailable, Timeout
from service.kube.answers import Refused
from service.kube.conditions import Goal, parse_goal, summary
from service.kube.jobs import Job
from service.kube.responses import UpstreamBroken
from service.resources import JOBS

_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}


async def wait_for_job(request: web.Request, parameters: Parameters) -> web.StreamResponse:
    """Answer with the Job as soon as it is as wanted, or with the reason why it is not."""
    namespace, name, asked = parameters
    if form_of(request) != "json":
        raise NotAcceptable("a wait answers in application/json only")
    await guard.authorize(request, "wait", namespace, name)
    guard.begin_stream(request, "wait")
    wait = _Wait(name, parse_goal(asked["for"]))
    try:
        states, seconds = observed_job(request, namespace, name), float(asked["timeoutSeconds"])
        review = guard.review_of(request)
        async with aclosing(states), request.app[keys.STREAMS].lasting(seconds, review):
            outcome = await wait.outcome(states)
    except TimeoutError:
        if request.app[keys.STREAMS].ending:
            request[keys.AUDIT].outcome = "shutdown"
            raise ServiceUnavailable("the service is shutting down; ask again") from None
        if wait.has_begun:
            request[keys.AUDIT].outcome = "not_yet"
        raise wait.unmet() from None
    except Refused as refused:
        return await relay_answer(request, refused.answer)
    except (UpstreamBroken, msgspec.DecodeError) as error:
        raise ServiceUnavailable("the apiserver's answer broke off, or could not be read") from error
    return await answer_with(request, outcome, _HEADERS)


operations = (
    Operation(
        "waitForJob",
        "GET",
        f"{JOB}/wait",
        wait_for_job,
        "Wait for a Job",
        "Answers the moment that the Job is as wanted, without polling. When the time is over: 504 with "
        "ConditionNotMet in details.causes; ask again. When the Job's end excludes what is wanted: 409 at once.",
        (
            Answer(
                200,
                "The raw Job; with for=delete a Status.",
                {JSON: {"oneOf": [reference("Job"), reference("Status")]}},
            ),
        ),
        query.WAIT,
        refusals=(404, 406, 409),
        calls=("wait",),
    ),
)


class _Wait:
    """One wait: what has been seen of the Job, and what that means for its goal."""

    def __init__(self, name: str, goal: Goal) -> None:
        self._goal = goal
        self._job: Job | None = None
        self._details = {"name": name, "group": JOBS.group, "kind": JOBS.plural}

    @property
    def has_begun(self) -> bool:
        """Whether the Job has been seen."""
        return self._job is not None

    async def outcome(self, states: AsyncIterator[Job | None]) -> bytes:
        """Return the answer's body once the goal is met.

        Raises:
            NotFound: there is no Job, or it went away.
            Conflict: its end excludes the goal.
        """
        async for state in states:
            if state is None or (self._job is not None and state.uid != self._job.uid):
                return self._gone(replaced=state is not None)
            self._job = state
            match self._goal.verdict(state):
                case "met":
                    return state.raw + b"\n"
                case "excluded":
                    told = f"{self._named()} will not reach '{self._goal.text}': {summary(state)}"
                    raise Conflict(told, details=self._details)
        raise ServiceUnavailable("the Job is no longer observed")

    def unmet(self) -> ApiError:
        """Return what is told when the time is over."""
        if self._job is None:
            return Timeout("the apiserver did not answer in time")
        told = f"{self._named()} has not reached '{self._goal.text}' yet: {summary(self._job)}; ask again"
        cause = {"reason": "ConditionNotMet", "message": summary(self._job)}
        return Timeout(told, details={**self._details, "causes": [cause]})

    def _gone(self, *, replaced: bool) -> bytes:
        if self._goal.kind == "delete":
            return msgspec.json.encode({**_SUCCESS, "details": self._details}) + b"\n"
        if self._job is None:
            raise NotFound(f"{self._named()} not found", details=self._details)
        how = "replaced by another of its name" if replaced else "deleted"
        told = f"{self._named()} was {how} while it was waited for; the last that was seen of it: "
        raise NotFound(told + summary(self._job), details=self._details)

    def _named(self) -> str:
        return f'{JOBS.plural}.{JOBS.group} "{self._details["name"]}"'
