"""Can the service do its work? Asks the apiserver as itself, and remembers the answer for a moment."""

import asyncio
import time

from service.errors import ApiError
from service.kube.client import KubeClient
from service.kube.objects import git_version_of
from service.kube.responses import UpstreamBroken

# Probes of a kubelet and of load balancers come by the second; the apiserver need not notice.
_REMEMBERED_SECONDS = 1.0
# Below the usual timeout of a probe, so that it hears which check failed rather than nothing.
_DEADLINE_SECONDS = 0.9
_ANSWER_BYTES = 64 * 1024


class Readiness:
    """Knows why the service is not ready.

    Attributes:
        draining: the process was told to end; whoever chooses among replicas should choose another.
    """

    def __init__(self, client: KubeClient) -> None:
        self.draining = False
        self._client = client
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._failure: str | None = None

    async def failures(self) -> dict[str, str | None]:
        """Return each check with what is wrong, or None where nothing is."""
        return {
            "shutdown": "the service is shutting down" if self.draining else None,
            "apiserver": await self._apiserver_failure(),
        }

    async def _apiserver_failure(self) -> str | None:
        async with self._asking:
            if time.monotonic() - self._asked_at > _REMEMBERED_SECONDS:
                self._failure = await self._ask()
                self._asked_at = time.monotonic()
            return self._failure

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS), await self._client.read("/readyz", "", {}) as answer:
                return None if answer.status == 200 else f"the apiserver is not ready itself ({answer.status})"
        except TimeoutError:
            return f"the apiserver did not answer within {_DEADLINE_SECONDS:g} s"
        except ApiError as error:
            return error.message


async def upstream_version(client: KubeClient) -> str | None:
    """Return the apiserver's version, such as v1.36.3, or None when it cannot be had now."""
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS), await client.read("/version", "", {}) as answer:
            return git_version_of(await answer.read(_ANSWER_BYTES) or b"")
    except (ApiError, UpstreamBroken, TimeoutError):
        return None
