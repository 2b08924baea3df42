"""Runs a program as its user would, and returns what came of it."""

import asyncio
import os
from dataclasses import dataclass

from tests.waiting import WATCHDOG_SECONDS


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it printed."""

    code: int | None
    out: str
    error: str


async def started(*command: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> Ended:
    async with asyncio.timeout(WATCHDOG_SECONDS):
        out, error = await process.communicate()
    return Ended(process.returncode, out.decode(), error.decode())


async def run(*command: str, **variables: str) -> Ended:
    return await ended(await started(*command, **variables))
