"""What the README promises holds: its commands, its tables, its output."""

import asyncio
import re
from pathlib import Path

import pytest

from service.api import query
from service.api.routes import ROUTES
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.readme import README, section, steps, with_settings
from tests.waiting import WATCHDOG_SECONDS

ROOT = README.parent
_MARK = "--- the next step ---"


def first_cells(table: str) -> list[str]:
    return re.findall(r"^\| `?([^`|]+?)`? \|", table, re.MULTILINE)


def test_the_settings_are_all_there_and_as_they_are() -> None:
    assert README.read_text() == with_settings(README.read_text()), "run: python -m tests.readme"
    assert "--listen" in section("Settings")


def test_every_route_is_there_and_no_other() -> None:
    told = set(re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \|", section("Routes"), re.MULTILINE))
    assert told == {(route.method, route.path) for route in ROUTES}


def test_every_query_parameter_is_there_and_no_other() -> None:
    told = {
        name: set(re.findall(r"`([^`]+)`", parameters))
        for name, parameters in re.findall(
            r"^\| (get|list|create|delete) \| (.*) \|$", section("Routes"), re.MULTILINE
        )
    }
    known = {"get": query.GET, "list": query.LIST, "create": query.CREATE, "delete": query.DELETE}
    assert told == {name: set(parameters) for name, parameters in known.items()}


def test_every_command_of_make_is_there_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    assert set(re.findall(r"`make ([a-z-]+)`", section("Working on it"))) == targets
    assert set(re.findall(r"make ([a-z-]+)", section("Two commands"))) <= targets


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:api|kube|tests)/[\w./-]*|server\.py)`", section("Working on it")):
        assert any((root / path).exists() for root in (ROOT, ROOT / "service")), path


@pytest.mark.cluster
async def test_the_tour_prints_what_it_says(
    control_plane: ControlPlane, start_service: StartService, tmp_path: Path
) -> None:
    url = await start_service(kubeconfig=str(control_plane.kubeconfig))
    tour = [step for step in steps(section("A tour")) if not step.commands.startswith("make ")]
    assert len(tour) >= 6
    script = f"\necho '{_MARK}'\n".join(step.commands for step in tour).replace("http://127.0.0.1:8080", url)
    shell = await asyncio.create_subprocess_exec(
        "bash", "-e", "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(WATCHDOG_SECONDS):
        printed = (await shell.communicate())[0].decode().replace("\r\n", "\n").split(f"{_MARK}\n")
    assert shell.returncode == 0, printed
    for step, output in zip(tour, printed, strict=True):
        told = "" if step.prints is None else step.prints
        # … stands for what differs each time.
        pattern = ".*".join(re.escape(part.rstrip("\n")) for part in told.split("…"))
        assert re.fullmatch(pattern, output.strip("\n"), re.DOTALL), f"{step.commands}\nprints:\n{output}"
