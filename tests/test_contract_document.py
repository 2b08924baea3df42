"""docs/contract.md says what the code declares: routes and parameters by its tables, and the rest here."""

import re
from dataclasses import fields

import pytest

from service.access.rights import RIGHTS
from service.api import query
from service.api.answers import REFUSALS
from service.api.body import MAX_BYTES
from service.api.forwarding import FORWARDED_HEADERS
from service.api.idempotency import IDEMPOTENCY_KEY, REPLAYED
from service.api.routes import OPERATIONS
from service.api.streaming import RELAYED_HEADERS
from service.api.watches import TICK_SECONDS
from service.errors import Expired, MethodNotAllowed, ServiceUnavailable, Timeout, TooManyRequests, reason_of
from service.http_protocol import MAX_HEAD_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_URL_BYTES
from service.manifests import ANNOTATION
from service.manifests.events import MAX_ALIASES, MAX_DEPTH, MAX_NODES
from service.settings import Settings, flag_of
from tests.readme import CONTRACT, sections

ROOT = CONTRACT.parents[1]
TEXT = CONTRACT.read_text()
# As it reads where a line ends within a sentence.
FLOWING = " ".join(TEXT.split())
SECTIONS = sections(TEXT)
# Its code has another reason where it comes from a list or a watch.
EXPIRED = Expired("")
KEY = IDEMPOTENCY_KEY.schema
WAIT_SECONDS = query.WAIT["timeoutSeconds"]


def listed_after(beginning: str) -> list[str]:
    """Return what stands in backquotes from some words on to the end of their clause."""
    _, found, rest = FLOWING.partition(beginning)
    assert found, beginning
    return re.findall(r"`([^`]+)`", re.split(r"[.;]", rest, maxsplit=1)[0])


def told_reasons() -> dict[int, str]:
    return {
        int(code): why
        for code, why in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", SECTIONS["2. Errors"], re.MULTILINE)
    }


def test_its_sections_are_those_that_the_code_refers_to() -> None:
    numbers = [title.partition(".")[0] for title in SECTIONS]
    assert numbers == [str(number) for number in range(1, len(SECTIONS) + 1)]
    for path in (ROOT / "service").rglob("*.py"):
        assert set(re.findall(r"[Ss]ection (\d+) of the\s+contract", path.read_text())) <= set(numbers), path


@pytest.mark.parametrize("title", SECTIONS)
def test_each_section_names_the_tests_that_hold_it(title: str) -> None:
    _, _, last = SECTIONS[title].strip().rpartition("\n\n")
    assert last.startswith("Held by: "), "it does not end with a line that begins so"
    named = re.findall(r"`([^`]+)`", last)
    assert named
    for path in named:
        assert re.fullmatch(r"tests/([\w/]+/)?test_\w+\.py", path), path
        assert (ROOT / path).exists(), path


def test_every_code_is_there_with_its_reason_and_no_other() -> None:
    reasons = told_reasons()
    assert reasons.keys() == REFUSALS.keys() | {MethodNotAllowed.code}
    for code, reason in reasons.items():
        assert reason == (EXPIRED.reason if code == EXPIRED.code else reason_of(code)), code


def test_what_may_be_tried_again_says_so() -> None:
    assert ServiceUnavailable("").headers == TooManyRequests("").headers == {"Retry-After": "1"}
    assert Timeout("").headers == {}
    rows = {int(row[2:5]): row for row in SECTIONS["2. Errors"].splitlines() if re.match(r"\| \d{3} ", row)}
    assert {code for code, row in rows.items() if "`Retry-After: 1`" in row} == {429, 503}


def test_headers_that_go_either_way_are_there_and_no_others() -> None:
    assert listed_after("Forwarded upstream:") == list(FORWARDED_HEADERS)
    assert listed_after("Relayed from upstream:") == list(RELAYED_HEADERS)
    assert {header.name for header in REPLAYED} <= set(re.findall(r"`([\w-]+)(?:: \w+)?`", TEXT))


def test_every_time_is_there_as_it_is_by_default() -> None:
    told = {flag: float(seconds) for flag, seconds in re.findall(r"`(--[a-z-]+-seconds)` \((\d+) s\b", FLOWING)}
    known = {
        flag_of(each.name): float(each.metadata["default"])
        for each in fields(Settings)
        if each.name.endswith("_seconds")
    }
    assert told == known


@pytest.mark.parametrize(
    "words",
    [
        f"over {MAX_BYTES:,} bytes",
        f"a URL over {MAX_URL_BYTES // 1024} KiB, a header over {MAX_HEADER_BYTES // 1024} KiB, "
        f"more than {MAX_HEADERS} headers, or over {MAX_HEAD_BYTES // 1024} KiB of them",
        f"({KEY['minLength']} to {KEY['maxLength']} printable ASCII characters",
        f"annotation `{ANNOTATION}`",
        f"a comment every {TICK_SECONDS:g} s",
        f"`timeoutSeconds` is {WAIT_SECONDS.schema['minimum']} to {WAIT_SECONDS.schema['maximum']}, "
        f"and {WAIT_SECONDS.default} unless given",
        f"`fieldValidation` is `{query.CREATE['fieldValidation'].default}` unless given",
        f"`for` is `{query.WAIT['for'].default}` unless given",
        f"depth over {MAX_DEPTH}, nodes over {MAX_NODES:,}, aliases over {MAX_ALIASES:,}",
    ],
)
def test_every_bound_and_default_is_there_as_it_is(words: str) -> None:
    assert words in FLOWING


def test_every_right_and_every_call_is_somebodys() -> None:
    """The tables are made of the operations; nothing may be declared that none of these has."""
    assert {call for each in OPERATIONS for call in each.calls} == set(RIGHTS)
