"""What a watch asks for, as far as the shared window can serve it."""

import pytest

from service.api.watch_options import WatchOptions, lifetime_of, resumed, watch_options
from service.errors import BadRequest

NOT_OLDER = {"resourceVersionMatch": "NotOlderThan"}
STREAMED = {"sendInitialEvents": "true", **NOT_OLDER}
UNSTREAMED = {"sendInitialEvents": "false", **NOT_OLDER}
# The query; since when, whether the initial state comes first, whether any later one will do.
SERVED: list[tuple[dict[str, str], tuple[int | None, bool, bool]]] = [
    ({}, (None, True, False)),
    ({"resourceVersion": ""}, (None, True, False)),
    ({"resourceVersion": "0"}, (0, True, False)),
    ({"resourceVersion": "7"}, (7, False, False)),
    ({"resourceVersion": "18446744073709551615"}, (2**64 - 1, False, False)),
    ({"resourceVersion": "7", "resourceVersionMatch": "", "continue": ""}, (7, False, False)),
    ({"limit": "1", "timeoutSeconds": "5", "labelSelector": "a"}, (None, True, False)),
    (STREAMED, (None, True, True)),
    ({**STREAMED, "sendInitialEvents": "1"}, (None, True, True)),
    ({**STREAMED, "resourceVersion": "0"}, (0, True, True)),
    ({**STREAMED, "resourceVersion": "7"}, (7, True, True)),
    (UNSTREAMED, (None, False, True)),
    ({**UNSTREAMED, "sendInitialEvents": "0"}, (None, False, True)),
    ({**UNSTREAMED, "resourceVersion": "0"}, (0, False, True)),
    ({**UNSTREAMED, "resourceVersion": "7"}, (7, False, True)),
]
REFUSED: list[dict[str, str]] = [
    {"sendInitialEvents": "true"},
    {"sendInitialEvents": "false"},
    {"sendInitialEvents": "true", "resourceVersionMatch": ""},
    {"sendInitialEvents": "true", "resourceVersionMatch": "Exact"},
    NOT_OLDER,
    {**NOT_OLDER, "resourceVersion": "7"},
    {"resourceVersionMatch": "Exact", "resourceVersion": "7"},
    {"continue": "x"},
    {**STREAMED, "continue": "x"},
]


@pytest.mark.parametrize(("asked", "expected"), SERVED)
@pytest.mark.parametrize(("given", "bookmarks"), [(None, False), ("0", False), ("1", True), ("true", True)])
def test_a_query_says_where_a_watch_begins(
    asked: dict[str, str], expected: tuple[int | None, bool, bool], given: str | None, bookmarks: bool
) -> None:
    wanted = {} if given is None else {"allowWatchBookmarks": given}
    assert watch_options({**asked, **wanted}) == WatchOptions(*expected, bookmarks)


@pytest.mark.parametrize("asked", REFUSED)
def test_what_the_apiserver_refuses_is_left_to_it(asked: dict[str, str]) -> None:
    assert watch_options(asked) is None


def test_an_id_takes_the_place_of_everything_that_says_where_to_begin() -> None:
    asked = {"watch": "1", "labelSelector": "a", "timeoutSeconds": "9", "allowWatchBookmarks": "1"}
    begins = {**STREAMED, "resourceVersion": "0"}
    assert resumed({**asked, **begins}, "7") == {**asked, "resourceVersion": "7"}
    assert resumed(asked, "18446744073709551615") == {**asked, "resourceVersion": "18446744073709551615"}


def test_without_an_id_a_query_stays_as_it_is() -> None:
    asked = {"watch": "1", **STREAMED, "resourceVersion": "7"}
    assert resumed(asked, "") == asked


@pytest.mark.parametrize(
    "bad", ["x", "-1", "+1", " 1", "1 ", "1\n", "1.0", "0x1", "1_0", "18446744073709551616", "9" * 99, "\u0661"]
)
def test_an_id_that_is_none_is_a_bad_request(bad: str) -> None:
    with pytest.raises(BadRequest) as refused:
        resumed({}, bad)
    assert "Last-Event-ID" in refused.value.message
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("given", "seconds"), [("1", 1.0), ("86400", 86400.0), ("-1", -1.0), (str(2**63 - 1), 1e9)]
)
def test_a_watch_lasts_as_long_as_it_says(given: str, seconds: float) -> None:
    assert lifetime_of({"timeoutSeconds": given}) == seconds


@pytest.mark.parametrize("asked", [{}, {"timeoutSeconds": "0"}])
def test_a_watch_that_does_not_say_lasts_between_a_half_and_a_whole_hour(asked: dict[str, str]) -> None:
    lifetimes = {lifetime_of(asked) for _ in range(50)}
    assert all(1800 <= seconds <= 3600 for seconds in lifetimes)
    assert len(lifetimes) > 1
