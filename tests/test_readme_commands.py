"""Every command of the README is run by a test, in its order; a new one that is not makes a test here fail."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.processes import environment
from tests.readme import README, section, sections, steps
from tests.tour import making, paste_the_welcome, take_the_tour

ROOT = README.parent
# Who runs what is no `make`: a file that takes the section's blocks from the README itself.
TAKEN_BY = {
    "A tour": "tests/tour.py",
    "The image": "tests/node/test_installed.py",
    "Installing with Helm": "tests/deploy/test_readme.py",
}
# Who runs a target of make: a file, and the words that do it there.
MADE_BY = {
    "run": ("tests/test_readme_commands.py", 'making("run", clone,'),
    "test": (".ci/run", "\nstep make test\n"),
    "image": ("Makefile", "-m tests.image --base local\n"),
}
# A clean clone installs everything first.
INSTALLATION_SECONDS = 900.0


def test_every_command_is_run_by_a_test() -> None:
    for title, text in sections(README.read_text()).items():
        for step in steps(text):
            targets = re.findall(r"^make ([a-z-]+)", step.commands, re.MULTILINE)
            if len(targets) == len(step.commands.splitlines()):
                assert set(targets) <= MADE_BY.keys(), f"{title}: who runs this?\n{step.commands}"
            else:
                assert title in TAKEN_BY, f"{title}: who runs this?\n{step.commands}"


def test_those_who_run_commands_take_them_from_the_readme() -> None:
    for title, path in TAKEN_BY.items():
        assert steps(section(title)), title
        assert f'section("{title}")' in (ROOT / path).read_text(), path
    for target, (path, words) in MADE_BY.items():
        assert words in (ROOT / path).read_text(), target


async def test_the_tour_prints_what_it_says_after_make_run_with_nothing_set(tmp_path: Path) -> None:
    address = free_address()
    async with making("run", ROOT, environment(tmp_path, {"JOB_API_LISTEN": address})) as started:
        await take_the_tour(f"http://{address}", tmp_path)
        await paste_the_welcome(started, tmp_path)


@pytest.mark.cluster
async def test_the_tour_prints_what_it_says_on_a_real_apiserver(
    control_plane: ControlPlane, start_service: StartService, tmp_path: Path
) -> None:
    await take_the_tour(await start_service(kubeconfig=str(control_plane.kubeconfig)), tmp_path)


@pytest.mark.cluster
async def test_a_clean_checkout_is_all_that_make_run_and_the_tour_take(tmp_path: Path) -> None:
    clone, address = tmp_path / "clone", free_address()
    made_here = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    await asyncio.to_thread(shutil.copytree, ROOT, clone, ignore=shutil.ignore_patterns(".git", *made_here))
    variables = {**without_ours(os.environ), "JOB_API_LISTEN": address}
    async with making("run", clone, variables, INSTALLATION_SECONDS) as started:
        await take_the_tour(f"http://{address}", tmp_path)
        await paste_the_welcome(started, tmp_path)
    shutil.rmtree(clone)  # pytest keeps what tests leave


def without_ours(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables as in a terminal of its own: no cluster, no settings, and no make above."""
    ours = re.compile(r"KUBECONFIG|VIRTUAL_ENV|MAKE.*|MFLAGS|JOB_API_.*|PYTHON.*")
    return {name: value for name, value in variables.items() if not ours.fullmatch(name)}


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"
