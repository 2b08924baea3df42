"""The service as a process of its own, as people run it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import WATCHDOG_SECONDS, eventually

ROOT = Path(__file__).parents[1]
# A warning would be a line on standard error that is no JSON.
COMMAND = (sys.executable, "-W", "error", "-m", "service")

RunService = Callable[..., AbstractAsyncContextManager["Service"]]


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without the machine's own clusters, and a home without one."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), **(extra or {})}


@dataclass(slots=True)
class Service:
    """A running `python -m service`, and what it has written to standard error so far."""

    process: asyncio.subprocess.Process
    written: list[str] = field(default_factory=list)

    async def read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.written.append(line.decode())

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    async def url(self) -> str:
        url: str = (await eventually(lambda: self.events("serving") or self.process.returncode))[0]["url"]
        return url

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def code(self) -> int:
        async with asyncio.timeout(WATCHDOG_SECONDS):
            return await self.process.wait()

    def peak_memory(self) -> int:
        """Return the most memory that it has had so far, in bytes (Linux; see proc(5), VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024


@asynccontextmanager
async def run_service(
    home: Path, *arguments: str, descriptors: int | None = None, **variables: str
) -> AsyncIterator[Service]:
    """Run the service on a free port, with further arguments and environment variables.

    It inherits the limit of file descriptors unless it is to have another.
    """
    limit = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}"]
    process = await asyncio.create_subprocess_exec(
        *limit,
        *COMMAND,
        "--listen=127.0.0.1:0",
        *arguments,
        cwd=ROOT,
        env=environment(home, variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    service = Service(process)
    reading = asyncio.create_task(service.read())
    try:
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
