"""Callers that go on calling, and what each call came to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.callers import Answer, Caller
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.waiting import eventually


@dataclass(slots=True)
class Load:
    """Creates suspended Jobs, each by one call, and reads each that was created.

    Attributes:
        created: what each POST was answered with, by the Job's name.
        read: what the GETs of a Job that was created were answered with, by its name.
    """

    api: Caller
    namespace: str
    created: dict[str, Answer] = field(default_factory=dict)
    read: dict[str, Answer] = field(default_factory=dict)

    @property
    def answers(self) -> list[Answer]:
        """Every answer so far."""
        return [*self.created.values(), *self.read.values()]

    async def has_answers(self, number: int) -> None:
        """Wait until so many calls were answered."""
        await eventually(lambda: len(self.answers) >= number)

    async def call(self, numbers: Iterator[int]) -> None:
        """Create and read the Jobs of these numbers, and heed what an answer says of trying again."""
        for number in numbers:
            name = f"job-{number}"
            created = self.created[name] = await self.api("POST", jobs(self.namespace), suspended(name))
            await _heed(created)
            if created.status == 201:
                read = self.read[name] = await self.api("GET", job(self.namespace, name))
                await _heed(read)

    @asynccontextmanager
    async def running(
        self, numbers: Iterator[int], callers: int, *, all_of_them: bool = False
    ) -> AsyncIterator[None]:
        """Let some callers at a time work on the numbers; on leaving, what was begun is finished.

        Args:
            numbers: which Jobs.
            callers: how many callers at a time.
            all_of_them: on leaving, the rest of the numbers is worked on too.

        Raises:
            ExceptionGroup: a call had no answer.
        """
        stopped = False

        def until_stopped() -> Iterator[int]:
            while not stopped and (number := next(numbers, None)) is not None:
                yield number

        async with asyncio.TaskGroup() as tasks:
            for _ in range(callers):
                tasks.create_task(self.call(until_stopped()))
            yield
            stopped = not all_of_them


async def _heed(answer: Answer) -> None:
    await asyncio.sleep(float(answer.headers.get("Retry-After", "0")))
