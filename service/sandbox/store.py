"""The sandbox's etcd: objects as bytes, a resourceVersion that counts every change, and the recent past."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

Object: TypeAlias = dict[str, Any]
ChangeType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]


class Key(NamedTuple):
    """Where an object is; the order of keys is the order of lists, as in etcd."""

    resource: str
    namespace: str
    name: str


class AlreadyExistsError(Exception):
    """There is an object with this key."""


class FullError(Exception):
    """The store holds as much as it may; the text says how much that is."""


class ExpiredError(Exception):
    """The past that was asked for is no longer remembered.

    Attributes:
        oldest: the earliest resourceVersion since which all is remembered.
    """

    def __init__(self, oldest: int) -> None:
        super().__init__(f"nothing before {oldest} is remembered")
        self.oldest = oldest


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is kept.

    Attributes:
        key: where it is.
        raw: the object as JSON.
        resource_version: its metadata.resourceVersion, as a number.
        uid: its metadata.uid.
        labels: its metadata.labels.
        owners: the uids of its metadata.ownerReferences.
    """

    key: Key
    raw: bytes
    resource_version: int
    uid: str
    labels: Mapping[str, str]
    owners: frozenset[str]

    def decoded(self) -> Object:
        """Return the object; it is the caller's own, to change as it likes."""
        decoded: Object = msgspec.json.decode(self.raw)
        return decoded


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the past.

    Attributes:
        type: what was done.
        before: the object as it was; None of one that was created.
        stored: the object as the change left it; of a deletion, as it was, with the deletion's resourceVersion.
    """

    type: ChangeType
    before: Stored | None
    stored: Stored

    @property
    def resource_version(self) -> int:
        """The resourceVersion that the change made."""
        return self.stored.resource_version


_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a store holds at most; bytes are of JSON.

    Attributes:
        objects: how many objects.
        megabytes: how many MiB in objects; what controllers write to objects that are there may exceed it a little.
        changes: how many changes of the past.
        megabytes_of_changes: how many MiB in the changes of the past.
    """

    objects: int = 20_000
    megabytes: int = 256
    changes: int = 5_000
    megabytes_of_changes: int = 64

    def __str__(self) -> str:
        """Say what matters to a person."""
        return f"{self.objects:,} objects or {self.megabytes} MiB"


Listener: TypeAlias = Callable[[Change], None]


class Store:
    """Every object of the sandbox. Nothing in it waits, so whoever calls it sees no half-made change.

    Args:
        limits: how much it may hold, and remember.

    Attributes:
        resource_version: that of the latest change.
        listeners: called after each change, in order; they must not change the store themselves.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.resource_version = 1
        self.listeners: list[Listener] = []
        self._objects: dict[Key, Stored] = {}
        self._bytes = 0
        self._dependents: dict[str, dict[Key, None]] = {}  # by the uid of an owner, in the order of their creation
        self._changes: dict[int, Change] = {}  # by resourceVersion: from the oldest to the latest, none is missing
        self._oldest = self.resource_version + 1
        self._bytes_of_changes = 0

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self._objects)

    def get(self, key: Key) -> Stored | None:
        """Return the object at a key, or None."""
        return self._objects.get(key)

    def list(self, resource: str, namespace: str | None = None, *, at: int | None = None) -> list[Stored]:
        """Return the objects of a resource, in the order of their keys.

        Args:
            resource: the plural, such as jobs.
            namespace: only those of this one; None for all.
            at: as they were at this resourceVersion; None for now.

        Raises:
            ExpiredError: `at` is longer ago than is remembered.
        """
        objects = self._objects if at is None or at >= self.resource_version else self._objects_at(at)
        return sorted(
            (
                stored
                for key, stored in objects.items()
                if key.resource == resource and namespace in (None, key.namespace)
            ),
            key=lambda stored: stored.key,
        )

    def changes_since(self, resource_version: int) -> Iterator[Change]:
        """Return the changes after a resourceVersion, oldest first; nobody may change the store in between.

        It costs nothing to ask; who waits between two of them had better ask again.

        Raises:
            ExpiredError: not all of them are remembered.
        """
        if resource_version + 1 < self._oldest:
            raise ExpiredError(self._oldest - 1)
        return map(self._changes.__getitem__, range(resource_version + 1, self.resource_version + 1))

    def create(self, resource: str, new: Object) -> Stored:
        """Add an object, and give it uid, resourceVersion and creationTimestamp.

        Raises:
            AlreadyExistsError: there is one with its namespace and name.
            FullError: there is no room.
        """
        metadata = new["metadata"]
        key = Key(resource, metadata["namespace"], metadata["name"])
        if key in self._objects:
            raise AlreadyExistsError
        if len(self._objects) >= self.limits.objects or self._bytes >= self.limits.megabytes * _MEBIBYTE:
            raise FullError(f"the sandbox holds at most {self.limits}")
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", now())
        return self._change("ADDED", None, self._stored(key, new))

    def update(self, resource: str, changed: Object) -> Stored | None:
        """Put an object in the place of its earlier self; None when that is gone, or another one has its name.

        An object that is the same as before is not written, and keeps its resourceVersion, as in a real apiserver.
        """
        metadata = changed["metadata"]
        before = self._objects.get(Key(resource, metadata["namespace"], metadata["name"]))
        if before is None or before.uid != metadata["uid"]:
            return None
        metadata["resourceVersion"] = str(before.resource_version)
        if msgspec.json.encode(changed) == before.raw:
            return before
        return self._change("MODIFIED", before, self._stored(before.key, changed))

    def delete(self, key: Key) -> Stored | None:
        """Remove an object and return it as it last was, with the deletion's resourceVersion; None when gone."""
        before = self._objects.get(key)
        if before is None:
            return None
        return self._change("DELETED", before, self._stored(key, before.decoded()))

    def dependents(self, uid: str) -> Iterator[Stored]:
        """Return the objects that have an ownerReference to a uid."""
        return iter([self._objects[key] for key in self._dependents.get(uid, ())])

    def _stored(self, key: Key, content: Object) -> Stored:
        """Return an object as it is kept, with the next resourceVersion in it."""
        metadata = content["metadata"]
        metadata["resourceVersion"] = str(self.resource_version + 1)
        return Stored(
            key,
            msgspec.json.encode(content),
            self.resource_version + 1,
            metadata["uid"],
            metadata.get("labels") or {},
            frozenset(owner["uid"] for owner in metadata.get("ownerReferences") or ()),
        )

    def _change(self, kind: ChangeType, before: Stored | None, stored: Stored) -> Stored:
        self.resource_version = stored.resource_version
        owners: frozenset[str] = frozenset()
        if kind == "DELETED":
            del self._objects[stored.key]
        else:
            self._objects[stored.key] = stored
            owners = stored.owners
        self._index(stored.key, before.owners if before else frozenset(), owners)
        self._bytes += (0 if kind == "DELETED" else len(stored.raw)) - (len(before.raw) if before else 0)
        change = Change(kind, before, stored)
        self._remember(change)
        for listener in self.listeners:
            listener(change)
        return stored

    def _remember(self, change: Change) -> None:
        self._changes[change.resource_version] = change
        self._bytes_of_changes += len(change.stored.raw)
        while (
            len(self._changes) > self.limits.changes
            or self._bytes_of_changes > self.limits.megabytes_of_changes * _MEBIBYTE
        ):
            self._bytes_of_changes -= len(self._changes.pop(self._oldest).stored.raw)
            self._oldest += 1

    def _index(self, key: Key, before: frozenset[str], owners: frozenset[str]) -> None:
        for uid in owners - before:
            self._dependents.setdefault(uid, {})[key] = None
        for uid in before - owners:
            del self._dependents[uid][key]
            if not self._dependents[uid]:
                del self._dependents[uid]

    def _objects_at(self, resource_version: int) -> dict[Key, Stored]:
        """Undo the changes since, latest first."""
        objects = dict(self._objects)
        for change in reversed(tuple(self.changes_since(resource_version))):
            if change.before is None:
                del objects[change.stored.key]
            else:
                objects[change.stored.key] = change.before
        return objects


def now() -> str:
    """Return the time as metav1.Time is written: whole seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
