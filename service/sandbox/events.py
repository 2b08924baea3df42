"""The v1 Events that the controllers tell: correlated as client-go does, and few enough to be kept in memory."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from service.sandbox.clock import Clock, timestamp
from service.sandbox.store import FullError, Key, Object, Store
from service.sandbox.work_queue import WorkQueue

EventType: TypeAlias = Literal["Normal", "Warning"]

MOST_EVENTS = 1_000
KEPT = timedelta(hours=1)
# From the tenth message of a kind on, an object's messages share one event.
MOST_ALIKE = 10

_COMBINED = "(combined from similar events): "


class Source(NamedTuple):
    """Who tells an event.

    Attributes:
        component: the program.
        host: the node, of one that runs on it.
        field_path: the part of the object that it speaks of, such as one of a pod's containers.
    """

    component: str
    host: str = ""
    field_path: str = ""


class _Kind(NamedTuple):
    """What makes events of one object alike."""

    uid: str
    source: Source
    type: EventType
    reason: str


class EventRecorder:
    """Writes events into the store, at most MOST_EVENTS of them and none older than an hour; oldest go first.

    As in client-go, an event that repeats itself is counted, and many that differ in their message only are
    combined: https://pkg.go.dev/k8s.io/client-go/tools/record#EventCorrelator. Its limit of 25 events for an object
    is left out, as it would hide the end of a Job with many pods.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._queue = WorkQueue(clock)
        self._messages: dict[_Kind, dict[str, Key]] = {}
        self._kept: dict[Key, tuple[_Kind, str]] = {}

    def __len__(self) -> int:
        """Return how many events are kept."""
        return len(self._kept)

    @property
    def waiting(self) -> int:
        """How many events are to be removed now."""
        return len(self._queue)

    async def run(self) -> None:
        """Remove events when their hour is over, until cancelled."""
        await self._queue.work(self._drop)

    def record(self, about: Object, type_: EventType, reason: str, message: str, source: Source) -> None:
        """Tell that something happened to an object.

        Args:
            about: the object.
            type_: the event's type.
            reason: why, in CamelCase.
            message: for people.
            source: who says so.
        """
        kind = _Kind(about["metadata"]["uid"], source, type_, reason)
        told = self._messages.get(kind, {})
        key = told.get(message)
        if key is None and len(told) >= MOST_ALIKE - 1:
            message = f"{_COMBINED}{message}"
            key = next((told[each] for each in told if each.startswith(_COMBINED)), None)
        if key is not None and self._store.get(key) is None:
            self._drop(key)  # somebody has deleted it
            key = None
        if key is None:
            self._add(event(about, kind, message, self._clock.now()), kind, message)
        else:
            self._repeat(key, message)

    def scheduled(self, pod: Object, node: str) -> None:
        """Tell that a pod has a node, in the form of events.k8s.io, which the scheduler uses."""
        metadata, now = pod["metadata"], self._clock.now()
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        kind = _Kind(
            metadata["uid"], Source("default-scheduler", "default-scheduler-sandbox"), "Normal", "Scheduled"
        )
        told = event(pod, kind, message, now)
        del told["count"]
        told |= {
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "action": "Binding",
        }
        self._add(told, kind, message)

    def _add(self, told: Object, kind: _Kind, message: str) -> None:
        while len(self._kept) >= MOST_EVENTS:
            self._drop(next(iter(self._kept)))
        number = int(self._clock.now().timestamp() * 1e9)
        key = self._key(told, number)
        while self._store.get(key) is not None:
            number += 1
            key = self._key(told, number)
        told["metadata"]["name"] = key.name
        try:
            self._store.create("events", told)
        except FullError:
            return
        self._kept[key] = kind, message
        self._messages.setdefault(kind, {})[message] = key
        self._queue.add_at(key, self._clock.now() + KEPT)

    @staticmethod
    def _key(told: Object, number: int) -> Key:
        return Key("events", told["metadata"]["namespace"], f"{told['involvedObject']['name']}.{number:x}")

    def _repeat(self, key: Key, message: str) -> None:
        stored = self._store.get(key)
        if stored is None:
            return
        told = stored.decoded()
        told |= {"count": told["count"] + 1, "lastTimestamp": timestamp(self._clock.now()), "message": message}
        self._store.update("events", told)
        self._kept[key] = self._kept.pop(key)
        self._queue.forget(key)
        self._queue.add_at(key, self._clock.now() + KEPT)

    def _drop(self, key: Key) -> None:
        kind, message = self._kept.pop(key)
        self._queue.forget(key)
        self._messages[kind].pop(message)
        if not self._messages[kind]:
            del self._messages[kind]
        self._store.delete(key)


def event(about: Object, kind: _Kind, message: str, now: datetime) -> Object:
    """Return a v1 Event that still lacks its name."""
    metadata, source = about["metadata"], kind.source
    # client-go builds the event that combines others anew, and forgets these two.
    reporter = Source("") if message.startswith(_COMBINED) else source
    involved = {
        "kind": about["kind"],
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": about["apiVersion"],
        "resourceVersion": metadata["resourceVersion"],
        **({"fieldPath": source.field_path} if source.field_path else {}),
    }
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": "", "namespace": metadata["namespace"], "creationTimestamp": timestamp(now)},
        "involvedObject": involved,
        "reason": kind.reason,
        "message": message,
        "source": {"component": source.component} | ({"host": source.host} if source.host else {}),
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
        "type": kind.type,
        "eventTime": None,
        "reportingComponent": reporter.component,
        "reportingInstance": reporter.host,
    }
