"""What the README promises holds: its commands, its tables, its output."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.access.rights import RIGHTS
from service.api import query
from service.api.routes import ROUTES
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.processes import environment
from tests.readme import README, section, steps, with_tables
from tests.waiting import WATCHDOG_SECONDS

ROOT = README.parent
_MARK = "--- the next step ---"


def first_cells(table: str) -> list[str]:
    return re.findall(r"^\| `?([^`|]+?)`? \|", table, re.MULTILINE)


def test_the_settings_and_the_metrics_are_all_there_and_as_they_are() -> None:
    assert README.read_text() == with_tables(README.read_text()), "run: python -m tests.readme"
    assert "--listen" in section("Settings")
    assert "job_api_requests_total" in section("Metrics")


def test_every_route_is_there_and_no_other() -> None:
    told = set(re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \|", section("Routes"), re.MULTILINE))
    assert told == {(route.method, route.path) for route in ROUTES}


def test_every_query_parameter_is_there_and_no_other() -> None:
    told = {
        name: set(re.findall(r"`([^`]+)`", parameters))
        for name, parameters in re.findall(
            r"^\| (get|list|wait|log|pods|create|delete) \| (.*) \|$", section("Routes"), re.MULTILINE
        )
    }
    known = {
        "get": query.GET,
        "list": query.LIST,
        "wait": query.WAIT,
        "log": query.LOG,
        "pods": query.PODS,
        "create": query.CREATE,
        "delete": query.DELETE,
    }
    assert told == {name: set(parameters) for name, parameters in known.items()}


def test_every_call_is_there_with_the_rights_that_it_takes() -> None:
    rows = re.findall(r"^\| (\w+) \| (`.*) \|$", section("Callers"), re.MULTILINE)
    right = r"`(get|list|watch|create|delete)`(?: of ([\w/]+))?( by name)?"
    told = {call: re.findall(right, rights) for call, rights in rows}
    # What lists and watches are about is named by a fieldSelector, and the pod by a parameter, if at all.
    known = {
        call: [
            (
                right.verb,
                right.resource.rule.removeprefix("jobs"),
                " by name" * (right.names == "job" and call not in {"list", "watch"}),
            )
            for right in rights
        ]
        for call, rights in RIGHTS.items()
    }
    assert told == known


def test_every_command_of_make_is_there_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    assert set(re.findall(r"`make ([a-z-]+)`", section("Working on it"))) == targets
    assert set(re.findall(r"make ([a-z-]+)", section("Two commands"))) <= targets


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:access|api|cache|kube|tests)/[\w./-]*|server\.py)`", section("Working on it")):
        assert any((root / path).exists() for root in (ROOT, ROOT / "service")), path


async def test_the_tour_prints_what_it_says_after_make_run_with_nothing_set(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    async with making("run", tmp_path, JOB_API_LISTEN=address) as started:
        await take_the_tour(f"http://{address}", tmp_path)
        lines_to_try = re.search(r"^JOBS=.*?\n\n", started, re.DOTALL | re.MULTILINE)
        assert lines_to_try, started
        code, printed = await pasted(lines_to_try[0], tmp_path)
        assert code == 0, printed
        kinds = re.findall(r'^{"kind":"(\w+)"', printed, re.MULTILINE)
        assert kinds == ["Job", "Job", "Status", "Status"], printed
        assert '"status":"Success"' in printed


@pytest.mark.cluster
async def test_the_tour_prints_what_it_says_on_a_real_apiserver(
    control_plane: ControlPlane, start_service: StartService, tmp_path: Path
) -> None:
    await take_the_tour(await start_service(kubeconfig=str(control_plane.kubeconfig)), tmp_path)


@asynccontextmanager
async def making(target: str, home: Path, **variables: str) -> AsyncIterator[str]:
    """Run a target of make as in a new terminal, and yield what it prints until the service is there."""
    make = await asyncio.create_subprocess_exec(
        "make",
        target,
        cwd=ROOT,
        env=environment(home, variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert make.stdout is not None
        printed = ""
        async with asyncio.timeout(WATCHDOG_SECONDS):
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


async def pasted(commands: str, directory: Path) -> tuple[int | None, str]:
    """Run commands as if pasted into a terminal, and return the exit code and what is printed."""
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-e",
        "-c",
        commands,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WATCHDOG_SECONDS):
        printed = (await shell.communicate())[0].decode()
    return shell.returncode, printed


async def take_the_tour(url: str, directory: Path) -> None:
    """Run the README's commands in order, and compare what they print."""
    tour = [step for step in steps(section("A tour")) if not step.commands.startswith("make ")]
    assert len(tour) >= 6
    script = f"\necho '{_MARK}'\n".join(step.commands for step in tour).replace("http://127.0.0.1:8080", url)
    code, printed = await pasted(script, directory)
    assert code == 0, printed
    for step, output in zip(tour, printed.replace("\r\n", "\n").split(f"{_MARK}\n"), strict=True):
        told = "" if step.prints is None else step.prints
        # … stands for what differs each time.
        pattern = ".*".join(re.escape(part.rstrip("\n")) for part in told.split("…"))
        assert re.fullmatch(pattern, output.strip("\n"), re.DOTALL), f"{step.commands}\nprints:\n{output}"
