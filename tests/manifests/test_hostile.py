"""No body harms the process: each hostile one is answered, within the caps, before much of it is read."""

import importlib
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
import yaml

from service.errors import BadRequest
from service.manifests import yaml_events
from service.manifests.events import Event, Events, Kind
from service.manifests.json_events import json_events, kind_of_event
from tests.manifests.hostile import ALIAS_BOMB, HOSTILE, JSON_JOB, MEBIBYTES, MERGE_BOMB, filled

# Many times what it takes. It is there to end a reader that hangs, and no statement about speed.
WATCHDOG_SECONDS = 60


@pytest.fixture(scope="session")
def answers() -> dict[str, tuple[str, str]]:
    """Read the hostile bodies in a process of its own; a body that ends it leaves itself and its successors out."""
    command = [sys.executable, "-m", "tests.manifests.hostile"]
    try:
        output = subprocess.run(command, capture_output=True, timeout=WATCHDOG_SECONDS, check=False).stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
    lines = [json.loads(line) for line in output.splitlines() if line.endswith(b"]")]
    return {name: (looked, strict) for name, looked, strict in lines}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_answered(name: str, answers: dict[str, tuple[str, str]]) -> None:
    assert name in answers, f"the process ended or hung after {list(answers)[-1:]}"
    for given, expected in zip(answers[name], HOSTILE[name][1:], strict=True):
        assert expected in given
        assert len(given) < 300


def test_the_bombs_are_small() -> None:
    assert max(len(ALIAS_BOMB), len(MERGE_BOMB)) < 761
    assert all(len(body) <= MEBIBYTES + 1 for body, *_ in HOSTILE.values())


class Counter(Iterator[Any]):
    """Passes steps on and counts them."""

    def __init__(self, steps: Iterator[Any]) -> None:
        self.steps = steps
        self.count = 0

    def __next__(self) -> Any:
        self.count += 1
        return next(self.steps)


def read_all(counter: Counter, kind_of: Callable[[Any], Kind], event_of: Callable[[Any], Event]) -> None:
    for _ in Events(counter, kind_of, event_of):
        pass


def skip_all(counter: Counter, kind_of: Callable[[Any], Kind], event_of: Callable[[Any], Event]) -> None:
    events = Events(counter, kind_of, event_of)
    for event in events:
        events.skip(event)


def same(event: Event) -> Event:
    return event


Take: TypeAlias = Callable[[Counter, Callable[[Any], Kind], Callable[[Any], Event]], None]
either_way = pytest.mark.parametrize("take", [read_all, skip_all])


@either_way
@pytest.mark.parametrize(
    ("event", "limit"),
    [
        (Event("mapping", 1, 1), 101),
        (Event("sequence", 1, 1), 101),
        (Event("alias", 1, 1), 1_001),
        (Event("scalar", 1, 1), 100_001),
    ],
    ids=lambda each: each.kind if isinstance(each, Event) else str(each),
)
def test_endless_events_are_refused_at_the_first_one_beyond_the_cap(take: Take, event: Event, limit: int) -> None:
    counter = Counter(itertools.repeat(event))
    with pytest.raises(BadRequest):
        take(counter, kind_of_event, same)
    assert counter.count == limit


@either_way
@pytest.mark.parametrize("unit", [b"[", b"{", b"- ", b"? ", b"[a, "])
def test_only_the_first_100_levels_of_deep_yaml_are_read(take: Take, unit: bytes) -> None:
    body = filled(b"", unit)
    counter = Counter(yaml_events.yaml_steps(body, body.decode()))
    with pytest.raises(BadRequest, match="deeper than 100 levels"):
        take(counter, yaml_events.kind_of_step, yaml_events.event_of_step)
    assert counter.count <= 2 * 101


@either_way
def test_only_the_first_100_levels_of_deep_json_are_read(take: Take) -> None:
    counter = Counter(json_events(filled(JSON_JOB, b'{"a":').decode()))
    with pytest.raises(BadRequest, match="deeper than 100 levels"):
        take(counter, kind_of_event, same)
    assert counter.count <= 2 * 101 + 10


@pytest.mark.parametrize("nodes", [1_000, 2_000, 4_000])
def test_a_body_has_as_many_events_as_nodes(nodes: int) -> None:
    body = b"[" + b"a," * nodes + b"]"
    assert len(list(yaml_events.yaml_steps(body, body.decode()))) == nodes + 2
    assert len(list(json_events("[" + "1," * nodes + "1]"))) == nodes + 3


def test_without_libyaml_the_package_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    with pytest.raises(ImportError, match="without libyaml"):
        importlib.reload(yaml_events)
