"""What truly happened to Jobs, as etcd itself tells it: no restart of the apiserver leaves a gap in that.

A revision of etcd is the resourceVersion that the apiserver shows.
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp

from tests.waiting import eventually

Key = tuple[str, str]
Seen = tuple[str, Key, int]

_PREFIX = "/registry/jobs/"
_RANGE = {
    "key": base64.b64encode(_PREFIX.encode()).decode(),
    "range_end": base64.b64encode(b"/registry/jobs0").decode(),  # the string after all that begin with the prefix
}
# An entry of the map of labels, in protobuf: its key, the length of its value, and the value.
_COLOR = re.compile(rb"\n\x05color\x12(.)", re.DOTALL)


class Selected(NamedTuple):
    """What a follower follows.

    Attributes:
        namespace: only this one's Jobs; None for all.
        selector: the labelSelector.
        matches: the same for a Job's label `color`, empty where it has none.
    """

    namespace: str | None
    selector: str
    matches: Callable[[str], bool]

    def holds(self, key: Key, color: str | None) -> bool:
        if color is None or (self.namespace is not None and key[0] != self.namespace):
            return False
        return self.matches(color)


class TrueChange(NamedTuple):
    """One change of one Job; `color` is that of its label, None where the change deleted it."""

    revision: int
    key: Key
    color: str | None


class History:
    """Every change of every Job since the history began to be written."""

    def __init__(self, session: aiohttp.ClientSession, etcd_url: str) -> None:
        self._session = session
        self._url = etcd_url
        self.changes: list[TrueChange] = []

    async def __aenter__(self) -> Self:
        async with self._session.post(f"{self._url}/v3/kv/range", json=_RANGE) as response:
            present = await response.json()
        found = sorted(map(_put, present.get("kvs", ())))
        self.changes += found
        self._began = int(present["header"]["revision"])
        self._writing = asyncio.create_task(self._write(self._began + 1))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)

    async def reaches(self, revision: int) -> None:
        """Wait until a change of that revision, or a later one, is known."""
        await eventually(lambda: self._writing.done() or (self.changes and self.changes[-1].revision >= revision))
        assert not self._writing.done(), self._writing

    def state(self, selected: Selected, at: int) -> dict[Key, int]:
        """Return the selected Jobs' resourceVersions at a moment, which is no earlier than the history."""
        state: dict[Key, int] = {}
        for change in self.changes:
            if change.revision > at:
                break
            if selected.holds(change.key, change.color):
                state[change.key] = change.revision
            else:
                state.pop(change.key, None)
        return state

    def seen(self, selected: Selected, after: int, until: int) -> list[Seen]:
        """Return what a watch tells that begins after one moment and has come to another."""
        seen: list[Seen] = []
        state = self.state(selected, after)
        for change in self.changes:
            if not after < change.revision <= until:
                continue
            if selected.holds(change.key, change.color):
                seen.append(("MODIFIED" if change.key in state else "ADDED", change.key, change.revision))
                state[change.key] = change.revision
            elif state.pop(change.key, None) is not None:
                seen.append(("DELETED", change.key, change.revision))
        return seen

    async def _write(self, revision: int) -> None:
        body = {"create_request": {**_RANGE, "start_revision": revision}}
        no_end = aiohttp.ClientTimeout(total=None)
        async with self._session.post(f"{self._url}/v3/watch", json=body, timeout=no_end) as response:
            # A change of a Job may be longer than a line that aiohttp would read.
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self.changes += map(_change, json.loads(line)["result"].get("events", ()))


def _change(event: Any) -> TrueChange:
    if event.get("type") == "DELETE":
        return TrueChange(int(event["kv"]["mod_revision"]), _key(event["kv"]), None)
    return _put(event["kv"])


def _put(kv: Any) -> TrueChange:
    value = base64.b64decode(kv["value"])
    found = _COLOR.search(value)
    color = value[found.end() : found.end() + found[1][0]].decode() if found else ""
    return TrueChange(int(kv["mod_revision"]), _key(kv), color)


def _key(kv: Any) -> Key:
    namespace, name = base64.b64decode(kv["key"]).decode().removeprefix(_PREFIX).split("/")
    return namespace, name
