"""What is waited for, and whether a Job is so, may come to be so, or cannot."""

import re

import pytest

from service.kube.conditions import GOAL, Goal, Verdict, parse_goal, summary, terminal_condition
from service.kube.jobs import Condition, Job
from tests.cache.jobs import a_job

RUNNING: dict[str, str] = {}
ENDING = {"SuccessCriteriaMet": "True"}
FAILING = {"FailureTarget": "True"}
COMPLETE = {"SuccessCriteriaMet": "True", "Complete": "True"}
FAILED = {"FailureTarget": "True", "Failed": "True"}
SUSPENDED = {"Suspended": "True"}
RESUMED = {"Suspended": "False"}
NOT_YET = {"Complete": "False", "Failed": "Unknown"}
OWN = {"example.com/Ready": "True"}


def job_with(conditions: dict[str, str], reason: str = "") -> Job:
    told = tuple(Condition(type_, status, reason) for type_, status in conditions.items())
    return Job(**{**{key: getattr(JOB, key) for key in JOB.__struct_fields__}, "conditions": told})


JOB = a_job("one", 5)


@pytest.mark.parametrize(
    ("text", "conditions", "verdict"),
    [
        ("finished", RUNNING, "open"),
        ("finished", ENDING, "open"),
        ("finished", FAILING, "open"),
        ("finished", NOT_YET, "open"),
        ("finished", SUSPENDED, "open"),
        ("finished", COMPLETE, "met"),
        ("finished", FAILED, "met"),
        ("complete", ENDING, "open"),
        ("complete", COMPLETE, "met"),
        ("complete", FAILING, "open"),
        ("complete", FAILED, "excluded"),
        ("failed", FAILING, "open"),
        ("failed", FAILED, "met"),
        ("failed", COMPLETE, "excluded"),
        ("suspended", SUSPENDED, "met"),
        ("suspended", RESUMED, "open"),
        ("suspended", {**RESUMED, **COMPLETE}, "excluded"),
        ("suspended", {**SUSPENDED, **FAILED}, "met"),
        ("delete", RUNNING, "open"),
        ("delete", COMPLETE, "open"),
        ("condition=Complete", COMPLETE, "met"),
        ("condition=cOMPLETE=tRUE", COMPLETE, "met"),
        ("condition=Complete=False", COMPLETE, "excluded"),
        ("condition=Complete=False", RUNNING, "open"),
        ("condition=Complete=False", NOT_YET, "met"),
        ("condition=Failed=unknown", NOT_YET, "met"),
        ("condition=Suspended=False", RESUMED, "met"),
        ("condition=SuccessCriteriaMet", ENDING, "met"),
        ("condition=SuccessCriteriaMet", FAILED, "excluded"),
        ("condition=FailureTarget", FAILING, "met"),
        ("condition=failuretarget", COMPLETE, "excluded"),
        # Anybody may still set what the Job controller does not.
        ("condition=example.com/Ready", COMPLETE, "open"),
        ("condition=example.com/ready", OWN, "met"),
        ("condition=example.com/Ready=Other", OWN, "open"),
    ],
)
def test_a_goal_is_met_or_excluded_or_open(text: str, conditions: dict[str, str], verdict: Verdict) -> None:
    goal = parse_goal(text)
    assert goal.text == text
    assert goal.verdict(job_with(conditions)) == verdict


@pytest.mark.parametrize(
    "text",
    ["", "Finished", "done", "condition", "condition=", "condition==True", "condition=A=", "condition=A=B=C",
     "condition= ", "condition=A B", "condition=A\n", "Condition=A", "delete=true", "condition=" + "a" * 317],
)  # fmt: skip
def test_what_cannot_be_waited_for_is_no_goal(text: str) -> None:
    assert not re.fullmatch(GOAL, text, re.ASCII)
    with pytest.raises(ValueError, match="nothing that can be waited for"):
        parse_goal(text)


def test_a_condition_is_true_unless_said_otherwise() -> None:
    assert parse_goal("condition=A") == Goal("condition=A", "condition", "A", "True")
    assert parse_goal("complete") == Goal("complete", "condition", "Complete", "True")


@pytest.mark.parametrize("conditions", [RUNNING, ENDING, FAILING, NOT_YET, SUSPENDED, OWN])
def test_what_comes_before_the_end_is_not_the_end(conditions: dict[str, str]) -> None:
    assert terminal_condition(job_with(conditions)) is None


def test_a_summary_names_what_holds_and_why() -> None:
    assert summary(job_with({**RESUMED, **FAILED}, "DeadlineExceeded")) == (
        "it is FailureTarget (DeadlineExceeded), Failed (DeadlineExceeded)"
    )
    assert summary(job_with(SUSPENDED)) == "it is Suspended"
    assert "no condition" in summary(job_with(RESUMED))
