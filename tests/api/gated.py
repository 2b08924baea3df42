"""An upstream whose answers can be held back, so that requests stay in flight as long as a test likes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.cache.jobs import raw_job
from tests.cache.scripted import watch
from tests.upstream import Received, json_answer

MANIFEST = b'{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"one"}}'
OPEN = frozenset(("/readyz", "/version"))


@dataclass(slots=True)
class Gated:
    """Answers calls once the gate is open; probes at once. A watch lasts until it is hung up.

    Attributes:
        gate: lets answers out.
        arrived: the calls that arrived whole, in order.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: list[Received] = field(default_factory=list)

    async def answer(self, request: Received) -> bytes | AsyncIterator[bytes]:
        if request.target in OPEN:
            return json_answer(200, b"ok")
        self.arrived.append(request)
        await self.gate.wait()
        if "watch=" in request.target:
            pieces = watch(lasts=True)
            assert callable(pieces)
            return pieces()
        return json_answer(201 if request.method == "POST" else 200, raw_job("one", 5))
