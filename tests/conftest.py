"""What every test stands on: nothing leaks, and the service runs as it does in production, on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import pytest
import structlog

from service.server import running
from service.setting_values import Address
from service.settings import default_settings
from tests.cluster.control_plane import ControlPlane
from tests.cluster.node.real_node import RealNode
from tests.processes import RunService, run_service
from tests.waiting import WATCHDOG_SECONDS

# As the service sets it up, but without a handler of its own: pytest captures what is logged.
structlog.configure(
    processors=[structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)

# Enough to find what is common within the minute that the fast tests may take; no test is about a duration.
hypothesis.settings.register_profile("fast", max_examples=30, deadline=None)
hypothesis.settings.load_profile("fast")

# How long a connection may take that is being closed as a test ends.
_SETTLING_SECONDS = 10.0

Figure = Callable[[str], None]
StartService = Callable[..., Awaitable[str]]


def _descriptors() -> dict[str, str]:
    """Return this process' open descriptors and what each is; empty where /proc is not there to tell."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return {}
    found = {}
    for each in folder.iterdir():
        try:
            found[each.name] = str(each.readlink())
        except OSError:
            continue  # the one that lists the folder
    return {number: what for number, what in found.items() if "/proc/" not in what}


def _opened_since(before: dict[str, str]) -> dict[str, str]:
    return {number: what for number, what in _descriptors().items() if before.get(number) != what}


@pytest.fixture(autouse=True)
def no_descriptor_leaks() -> Iterator[None]:
    """Fail a test that leaves a socket, a file or a pipe open."""
    before = _descriptors()
    yield
    left = _opened_since(before)
    assert not left, f"descriptors left open: {left}"


@pytest.fixture(autouse=True)
async def no_task_leaks(no_descriptor_leaks: None) -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    before = _descriptors()
    yield
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for _ in range(3):
        await asyncio.sleep(0)  # what was just cancelled or closed gets its turn to end
    left = {task for task in others if not task.done()}
    assert not left, f"tasks left running: {left}"
    # TLS that is closed in the middle of a handshake takes an answer of the other side; a leak stays.
    with suppress(TimeoutError):
        async with asyncio.timeout(_SETTLING_SECONDS):
            while _opened_since(before):
                await asyncio.sleep(0.005)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make soak` ask for the long form of the tests that have one."""
    parser.addoption("--soak", action="store_true", help="run the tests marked `soak` in their long form")


@pytest.fixture
def soaking(request: pytest.FixtureRequest) -> bool:
    """Tell whether a test is to run in its long form."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Return a function that takes a line with what was measured, to be printed at the end of the run."""
    return partial(record_property, "figure")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name == "figure" and report.when == "call":
                terminalreporter.write_line(str(line))


@pytest.fixture
async def start_service() -> AsyncIterator[StartService]:
    """Return a function that starts the service with given settings and returns its URL.

    Its cache is off unless a test switches it on, so that upstream receives what the test caused, and no more.
    """
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> str:
            given = {"listen": Address("127.0.0.1", 0), "cache": False, **settings}
            _, url = await stack.enter_async_context(running(default_settings(**given)))
            return url

        yield start


@pytest.fixture
async def http_client() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that changes nothing: no decompression, no headers of its own but the necessary."""
    async with aiohttp.ClientSession(
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        timeout=aiohttp.ClientTimeout(total=WATCHDOG_SECONDS),
    ) as session:
        session._retry_connection = False  # a test counts requests, so none may be sent again behind its back
        yield session


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """Return the real control plane of the tests, started once."""
    with ControlPlane() as running_control_plane:
        yield running_control_plane


@pytest.fixture(scope="session")
def real_node() -> Iterator[RealNode]:
    """Return the cluster with the real node, started once."""
    with RealNode() as running_node:
        yield running_node


@pytest.fixture
def run(tmp_path: Path) -> RunService:
    """Return a function that runs the service as a process, with arguments and environment variables."""
    return partial(run_service, tmp_path)


@pytest.fixture
def own_control_plane() -> Iterator[ControlPlane]:
    """Return a control plane that a test may kill parts of."""
    with ControlPlane() as running:
        yield running
