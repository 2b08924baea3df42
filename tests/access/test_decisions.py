"""For whom, for what and for how long a decision of the apiserver's authorizers holds."""

import time
from collections.abc import Awaitable, Callable

import pytest

from service.access.caller import Caller
from service.access.decisions import Decisions
from service.errors import Forbidden, ServiceUnavailable
from service.kube.reviews import AccessAttributes, Decision, UserInfo
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

    async def review(self, _: AccessAttributes) -> Decision:
        self.asked += 1
        return self._decision


async def _user_of(caller: Caller) -> UserInfo:
    return UserInfo(username=caller.key)


async def _may(
    decisions: Decisions,
    caller: Caller,
    wanted: AccessAttributes,
    review: Callable[[AccessAttributes], Awaitable[Decision]],
) -> bool:
    try:
        await decisions.require(caller, [wanted], review, _user_of)
    except Forbidden:
        return False
    return True


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
        assert await _may(decisions, ANN, GET, authorizer.review) is decision.allowed
    assert authorizer.asked == asked


@pytest.mark.parametrize(("life", "asked"), [(LONG, 1), (0.0, 2), (-LONG, 2)])
async def test_a_yes_does_not_outlive_the_token_it_was_given_to(life: float, asked: int) -> None:
    decisions, authorizer = Decisions(LONG, LONG), Authorizer(YES)
    caller = Caller(key="ann", expires_at=time.time() + life)
    for _ in range(2):
        assert await _may(decisions, caller, GET, authorizer.review)
    assert authorizer.asked == asked


async def test_a_decision_is_about_one_caller_and_one_thing() -> None:
    decisions, yes, no = Decisions(LONG, LONG), Authorizer(YES), Authorizer(NO)
    assert await _may(decisions, ANN, GET, yes.review)
    others = [
        (Caller(key="bob"), GET),
        (ANN, GET._replace(verb="delete")),
        (ANN, GET._replace(namespace="")),
        (ANN, GET._replace(name="")),
        (ANN, GET._replace(name="two")),
    ]
    for caller, wanted in others:
        assert not await _may(decisions, caller, wanted, no.review)
    assert no.asked == len(others)
    assert await _may(decisions, ANN, GET, no.review)
    assert no.asked == len(others)


async def test_all_of_what_is_wanted_is_asked_for_until_a_no() -> None:
    asked = []

    async def review(attributes: AccessAttributes) -> Decision:
        asked.append(attributes.verb)
        return NO if attributes.verb == "list" else YES

    wanted = [GET._replace(verb=verb) for verb in ("get", "list", "watch")]
    with pytest.raises(Forbidden, match='"ann" cannot list'):
        await Decisions(LONG, LONG).require(ANN, wanted, review, _user_of)
    assert asked == ["get", "list"]


async def test_who_could_not_be_asked_has_not_decided() -> None:
    async def unavailable(_: AccessAttributes) -> Decision:
        raise ServiceUnavailable("told by a test")

    decisions = Decisions(LONG, LONG)
    with pytest.raises(ServiceUnavailable):
        await _may(decisions, ANN, GET, unavailable)
    assert not await _may(decisions, ANN, GET, Authorizer(NO).review)
