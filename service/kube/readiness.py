"""Can the service do its work, and on what? Asks the apiserver as itself, and remembers the answer for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from service.errors import ApiError
from service.kube.client import KubeClient
from service.kube.objects import git_version_of
from service.kube.responses import UpstreamBroken

# Probes of a kubelet and of load balancers come by the second, and anybody else's at any rate, for they take no
# token and no place among the requests; the apiserver need not notice.
_REMEMBERED_SECONDS = 1.0
# Below the usual timeout of a probe, so that it hears which check failed rather than nothing.
_DEADLINE_SECONDS = 0.9
_ANSWER_BYTES = 64 * 1024

T = TypeVar("T")


class _Remembered(Generic[T]):
    """An answer that is asked for by one at a time, and then serves all for a moment."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._asking = asyncio.Lock()
        self._latest: tuple[float, T] | None = None  # when an answer came, and which

    async def answer(self) -> T:
        async with self._asking:
            if self._latest is None or time.monotonic() - self._latest[0] > _REMEMBERED_SECONDS:
                answer = await self._ask()
                self._latest = time.monotonic(), answer
            return self._latest[1]


class Readiness:
    """Knows why the service is not ready, and what it speaks to.

    Attributes:
        draining: the process was told to end; whoever chooses among replicas should choose another.
    """

    def __init__(self, client: KubeClient) -> None:
        self.draining = False
        self._client = client
        self._failure = _Remembered(self._ask_failure)
        self._version = _Remembered(self._ask_version)

    async def failures(self) -> dict[str, str | None]:
        """Return each check with what is wrong, or None where nothing is."""
        return {
            "shutdown": "the service is shutting down" if self.draining else None,
            "apiserver": await self._failure.answer(),
        }

    async def upstream_version(self) -> str | None:
        """Return the apiserver's version, such as v1.36.3, or None when it cannot be had now."""
        return await self._version.answer()

    async def _ask_failure(self) -> str | None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS), await self._client.read("/readyz", "", {}) as answer:
                return None if answer.status == 200 else f"the apiserver is not ready itself ({answer.status})"
        except TimeoutError:
            return f"the apiserver did not answer within {_DEADLINE_SECONDS:g} s"
        except ApiError as error:
            return error.message

    async def _ask_version(self) -> str | None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS), await self._client.read("/version", "", {}) as answer:
                return git_version_of(await answer.read(_ANSWER_BYTES) or b"")
        except (ApiError, UpstreamBroken, TimeoutError):
            return None
