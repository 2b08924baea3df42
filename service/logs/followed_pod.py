"""A pod while its logs are followed."""

import asyncio
from collections.abc import Callable

from service.kube.pods import Pod, Waiting


class FollowedPod:
    """A pod, and who waits for it to change.

    Args:
        pod: its first state.
        is_new: it came while its Job was followed.

    Attributes:
        pod: its present state; of one that is gone, the last that was seen.
        is_new: the same.
        is_gone: whether it is no longer there.
        job_is_over: whether its Job has finished, or is gone.
    """

    def __init__(self, pod: Pod, *, is_new: bool) -> None:
        self.pod = pod
        self.is_new = is_new
        self.is_gone = False
        self.job_is_over = False
        self._obstacles: dict[str, Waiting] = {}
        self._changed = asyncio.Event()

    def change(self, pod: Pod, *, is_gone: bool) -> None:
        """Take note of a new state."""
        self.pod, self.is_gone = pod, is_gone
        for status in pod.container_statuses:
            if status.state.waiting and status.state.waiting.message:
                self._obstacles[status.name] = status.state.waiting
        self._tell()

    def end_job(self) -> None:
        """Take note that nothing new will begin."""
        self.job_is_over = True
        self._tell()

    def is_over(self, container: str) -> bool:
        """Tell whether a container will not run, or not again."""
        if self.is_gone or self.pod.is_over(container):
            return True
        return self.job_is_over and self.pod.status_of(container).state.running is None

    def obstacle_of(self, container: str) -> Waiting | None:
        """Return what was last told to keep a container from running, which its end may have hidden since."""
        return self._obstacles.get(container)

    async def until(self, holds: Callable[[], bool], seconds: float | None = None) -> None:
        """Return when something holds, or after a time at most."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await self._changed.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
