"""The text that Prometheus reads, in either of its forms.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import asyncio
import time
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_END = b"# EOF\n"
# Whoever asks, and however often: to write it takes no more than a tenth of the time.
_REMEMBERED_TIMES = 9.0


class _Written(NamedTuple):
    text: bytes
    expires_at: float


class Exposition:
    """Writes all metrics of a registry.

    It takes no token and no place among the requests, and tens of milliseconds of the processor. So what is written
    serves for a moment, and others get their turn in between.

    Args:
        registry: the metrics.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._writing = asyncio.Lock()
        self._written: dict[str, _Written] = {}

    async def text(self, form: str) -> bytes:
        """Return the text in one of the two forms."""
        async with self._writing:
            written = self._written.get(form)
            if written is None or time.monotonic() > written.expires_at:
                written = self._written[form] = await self._write(form)
            return written.text

    async def _write(self, form: str) -> _Written:
        generate = generate_openmetrics if form == OPENMETRICS else generate_latest
        parts, busy = [], 0.0
        metrics = iter(self._registry.collect())
        while True:
            began = time.perf_counter()
            metric = next(metrics, None)
            if metric is None:
                break
            parts.append(generate(_One(metric)).removesuffix(_END))
            busy += time.perf_counter() - began
            await asyncio.sleep(0)
        if form == OPENMETRICS:
            parts.append(_END)
        return _Written(b"".join(parts), time.monotonic() + _REMEMBERED_TIMES * busy)


class _One:
    """A collector of one metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)
