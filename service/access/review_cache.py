"""What reviews have said, remembered for a while and bounded in number; equal ones are asked once at a time."""

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from cachetools import TLRUCache

from service.cache.shared_task import SharedTask

T = TypeVar("T")  # never None


class ReviewCache(Generic[T]):
    """Remembers outcomes by what was asked; a review that fails is not remembered.

    Args:
        most: how many outcomes are remembered at most; the one that was not asked for longest goes first.
        seconds_of: tells for how many seconds an outcome is remembered, 0 for not at all.

    Attributes:
        hits: how many questions were answered with what is remembered.
        misses: how many took a review.
        shared: how many waited for the review of an equal one.
    """

    def __init__(self, most: int, seconds_of: Callable[[T], float]) -> None:
        self._outcomes: TLRUCache[Hashable, T] = TLRUCache(
            most, ttu=lambda _, outcome, now: now + seconds_of(outcome)
        )
        self._under_way: dict[Hashable, SharedTask[T]] = {}
        self.hits = self.misses = self.shared = 0

    def __len__(self) -> int:
        """Return how many outcomes are remembered."""
        return len(self._outcomes)

    def remembered(self, question: Hashable) -> T | None:
        """Return what is remembered; None where it is nothing."""
        try:  # get() would look it up twice
            known = self._outcomes[question]
        except KeyError:
            return None
        self.hits += 1
        return known

    async def outcome(self, question: Hashable, review: Callable[[], Awaitable[T]]) -> T:
        """Return what is remembered, or what a review says.

        Args:
            question: what is asked, and everything that the outcome depends on; no secret.
            review: asks.

        Raises:
            Exception: whatever the review raises.
        """
        if (known := self.remembered(question)) is not None:
            return known
        if question in self._under_way:
            self.shared += 1
        else:
            self.misses += 1
            self._under_way[question] = SharedTask(
                self._reviewed(question, review), partial(self._forget, question)
            )
        return await self._under_way[question].result()

    async def _reviewed(self, question: Hashable, review: Callable[[], Awaitable[T]]) -> T:
        try:
            outcome = self._outcomes[question] = await review()
        except Exception:
            del self._under_way[question]
            raise
        del self._under_way[question]
        return outcome

    def _forget(self, question: Hashable, shared: SharedTask[T]) -> None:
        if self._under_way.get(question) is shared:
            del self._under_way[question]
