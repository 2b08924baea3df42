"""For whom, for what and for how long a decision of the apiserver's authorizers holds."""

import time

import pytest

from service.access.caller import Caller
from service.access.decisions import Decisions
from service.errors import ServiceUnavailable
from service.kube.reviews import AccessAttributes, Decision
from service.resources import JOBS

LONG = 3600.0
ANN = Caller(key="ann")
GET = AccessAttributes("get", JOBS, "team", "one")
YES = Decision(allowed=True, reason="", certain=True)
NO = Decision(allowed=False, reason="no rule", certain=True)
PERHAPS = Decision(allowed=False, reason="", certain=False)


class Authorizer:
    """Decides always the same, and counts."""

    def __init__(self, decision: Decision) -> None:
        self.asked = 0
        self._decision = decision

    async def review(self) -> Decision:
        self.asked += 1
        return self._decision


@pytest.mark.parametrize(
    ("decision", "allowed_seconds", "denied_seconds", "asked"),
    [
        (YES, LONG, 0.0, 1),
        (YES, 0.0, LONG, 2),
        (NO, 0.0, LONG, 1),
        (NO, LONG, 0.0, 2),
        # A no that another authorizer might have overruled, had it been there.
        (PERHAPS, LONG, LONG, 2),
    ],
)
async def test_a_yes_and_a_no_each_have_their_time_and_what_is_uncertain_has_none(
    decision: Decision, allowed_seconds: float, denied_seconds: float, asked: int
) -> None:
    decisions, authorizer = Decisions(allowed_seconds, denied_seconds), Authorizer(decision)
    for _ in range(2):
        assert await decisions.decision(ANN, GET, authorizer.review) == decision
    assert authorizer.asked == asked


@pytest.mark.parametrize(("life", "asked"), [(LONG, 1), (0.0, 2), (-LONG, 2)])
async def test_a_yes_does_not_outlive_the_token_it_was_given_to(life: float, asked: int) -> None:
    decisions, authorizer = Decisions(LONG, LONG), Authorizer(YES)
    caller = Caller(key="ann", expires_at=time.time() + life)
    for _ in range(2):
        await decisions.decision(caller, GET, authorizer.review)
    assert authorizer.asked == asked


async def test_a_decision_is_about_one_caller_and_one_thing() -> None:
    decisions, yes, no = Decisions(LONG, LONG), Authorizer(YES), Authorizer(NO)
    await decisions.decision(ANN, GET, yes.review)
    others = [
        (Caller(key="bob"), GET),
        (ANN, GET._replace(verb="delete")),
        (ANN, GET._replace(namespace="")),
        (ANN, GET._replace(name="")),
        (ANN, GET._replace(name="two")),
    ]
    for caller, wanted in others:
        assert await decisions.decision(caller, wanted, no.review) == NO
    assert no.asked == len(others)
    assert await decisions.decision(ANN, GET, no.review) == YES


async def test_who_could_not_be_asked_has_not_decided() -> None:
    async def unavailable() -> Decision:
        raise ServiceUnavailable("told by a test")

    decisions = Decisions(LONG, LONG)
    with pytest.raises(ServiceUnavailable):
        await decisions.decision(ANN, GET, unavailable)
    assert await decisions.decision(ANN, GET, Authorizer(NO).review) == NO
