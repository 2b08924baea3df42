"""How the command line, and the README, call the rows."""

import re

from tests.bench.catalogue import DEFAULT, NAMES, all_rows, group_of, keys_of
from tests.bench.load_builder import MODULE
from tests.readme import section

ROWS = all_rows(MODULE, 1, 1)


def test_each_row_has_a_name_of_its_own() -> None:
    keys = [row.key for row in ROWS]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(NAMES)


def test_what_takes_minutes_has_to_be_asked_for_by_its_name() -> None:
    assert {row.key for row in ROWS} - set(DEFAULT) == {"growth-50000"}
    assert keys_of(["growth"]) == {"growth-100", "growth-1000", "growth-10000"}
    assert keys_of(["growth-50000"]) == {"growth-50000"}


def test_a_group_is_all_its_rows() -> None:
    assert keys_of(["b", "a-hot"]) == {"b-get", "b-list", "a-hot"}


def test_every_row_is_measured_against_one_of_its_servers() -> None:
    for row in ROWS:
        assert row.base in row.names, row.key


def test_the_readme_tells_of_every_group_and_no_other() -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", section("Performance"), re.MULTILINE)
    assert told == list(dict.fromkeys(group_of(row.key) for row in ROWS))
