"""Runs commands of the README as a person would, and compares what they print with what it says."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.readme import Step, section, steps
from tests.waiting import WATCHDOG_SECONDS

_MARK = "--- the next step ---"
# Packages come over the network, and compilers take their time.
_GENERATION_SECONDS = 600.0


@asynccontextmanager
async def making(
    target: str, directory: Path, environment: Mapping[str, str], seconds: float = WATCHDOG_SECONDS
) -> AsyncIterator[str]:
    """Run a target of make as in a new terminal, and yield what it prints until the service is there.

    Args:
        target: the target.
        directory: the checkout.
        environment: all that it has of environment variables.
        seconds: the longest that the start is waited for.
    """
    make = await asyncio.create_subprocess_exec(
        "make",
        target,
        cwd=directory,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert make.stdout is not None
        printed = ""
        async with asyncio.timeout(seconds):
            while "serving" not in printed:
                line = (await make.stdout.readline()).decode()
                assert line, printed
                printed += line
        yield printed
        os.killpg(make.pid, signal.SIGINT)
        async with asyncio.timeout(WATCHDOG_SECONDS):
            await make.communicate()
    finally:
        if make.returncode is None:
            os.killpg(make.pid, signal.SIGKILL)
            await make.communicate()


async def pasted(
    commands: str,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = WATCHDOG_SECONDS,
) -> tuple[int, str]:
    """Run commands as if pasted into a terminal, and return the exit code and all that is printed.

    Args:
        commands: the commands.
        directory: where they are run.
        environment: all that they have of environment variables; None for those of this process.
        seconds: the longest that they may take.
    """
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-e",
        "-c",
        commands,
        cwd=directory,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(seconds):
        printed = (await shell.communicate())[0].decode()
    assert shell.returncode is not None
    return shell.returncode, printed


async def take_the_tour(url: str, directory: Path) -> None:
    """Run the commands of the README's tour in order, and compare what they print."""
    tour = [step for step in steps(section("A tour")) if not step.commands.startswith("make ")]
    assert len(tour) >= 6
    await _follow(tour, url, directory)


async def generate_clients(url: str, directory: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run the README's commands that generate clients and run a Job with each, and compare what they print.

    Args:
        url: the service's.
        directory: the checkout, in which `.venv` is installed.
        environment: as `pasted` takes it.
    """
    examples = steps(section("Examples"))
    assert len(examples) == 2
    await _follow(examples, url, directory, environment, _GENERATION_SECONDS)


async def _follow(
    taken: Sequence[Step],
    url: str,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = WATCHDOG_SECONDS,
) -> None:
    script = f"\necho '{_MARK}'\n".join(step.commands for step in taken).replace("http://127.0.0.1:8080", url)
    code, printed = await pasted(script, directory, environment, seconds)
    assert code == 0, printed
    for step, output in zip(taken, printed.replace("\r\n", "\n").split(f"{_MARK}\n"), strict=True):
        told = "" if step.prints is None else step.prints
        # … stands for what differs each time.
        pattern = ".*".join(re.escape(part.rstrip("\n")) for part in told.split("…"))
        assert re.fullmatch(pattern, output.strip("\n"), re.DOTALL), f"{step.commands}\nprints:\n{output}"


async def paste_the_welcome(welcome: str, directory: Path) -> None:
    """Run the commands that `make run` says at its start, and see what they answer."""
    lines_to_try = re.search(r"^JOBS=.*?\n\n", welcome, re.DOTALL | re.MULTILINE)
    assert lines_to_try, welcome
    code, printed = await pasted(lines_to_try[0], directory)
    assert code == 0, printed
    kinds = re.findall(r'^{"kind":"(\w+)"', printed, re.MULTILINE)
    assert kinds == ["Job", "Job", "Status", "Status"], printed
    assert '"status":"Success"' in printed
