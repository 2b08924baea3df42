"""Every command of the README is run by a test, in its order; a new one that is not makes a test here fail."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.processes import environment
from tests.readme import README, section, sections, steps
from tests.tour import generate_clients, making, paste_the_welcome, take_the_tour
from tests.waiting import WATCHDOG_SECONDS

ROOT = README.parent
# Who runs what is no `make`: a file that takes the section's blocks from the README itself.
TAKEN_BY = {
    "A tour": "tests/tour.py",
    "Examples": "tests/tour.py",
    "The image": "tests/node/test_installed.py",
    "Installing with Helm": "tests/deploy/test_readme.py",
}
# Who runs a target of make, or what it runs: a file, and the words that do it there.
MADE_BY = {
    "run": ("tests/test_readme_commands.py", 'making("run", clone,'),
    "cluster": ("tests/cluster/test_command.py", '"-m", "tests.cluster"]'),
    "node": ("tests/cluster/node/test_leaves_nothing.py", '"-m", "tests.cluster.node"]'),
    "image": ("Makefile", "-m tests.image --base local\n"),
    "format": ("tests/test_readme_commands.py", 'make(clone, "format")'),
    "clean": ("tests/test_readme_commands.py", 'make(clone, "clean")'),
} | {
    target: (".ci/run", f"\nstep make {target}\n")
    for target in (
        "test",
        "check",
        "test-cluster",
        "deploy-check",
        "test-node",
        "test-browser",
        "test-clients",
    )
}
# What no test runs, and why.
BY_HAND = {
    "soak": "it takes an hour; `make test-cluster` runs its short form",
    "bench": "its figures are those of a machine that does nothing else",
    "audit": "what it says changes with the day, and not with the code",
    "lock": "likewise",
}
# Who runs what is told in passing: the same.
TOLD_IN_PASSING = {
    ".venv/bin/python -m tests.readme": ("tests/test_readme_commands.py", 'run(clone, "-m", "tests.readme")'),
    ".venv/bin/python -m pytest tests/contract/test_wait.py": ("Makefile", "-m pytest -q -n auto"),
    "helm test --namespace job-api job-api": ("tests/node/release.py", 'self._run("test", '),
}
# A clean clone installs everything first.
INSTALLATION_SECONDS = 900.0


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """Return a clean checkout, without what make and the README's commands have made in this one."""
    made_here = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    folder = tmp_path / "clone"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *made_here))
    yield folder
    shutil.rmtree(folder)  # pytest keeps what tests leave


def test_every_command_is_run_by_a_test() -> None:
    for title, text in sections(README.read_text()).items():
        for step in steps(text):
            targets = re.findall(r"^make ([a-z-]+)", step.commands, re.MULTILINE)
            if len(targets) == len(step.commands.splitlines()):
                assert set(targets) <= MADE_BY.keys(), f"{title}: who runs this?\n{step.commands}"
            else:
                assert title in TAKEN_BY, f"{title}: who runs this?\n{step.commands}"


def test_every_target_of_make_is_run_by_a_test_or_it_is_said_why_not() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    assert targets == MADE_BY.keys() | BY_HAND.keys()
    exceptions = re.search(r"The exceptions are ([^.]*?),\s+and it says why", section("Working on it"))
    assert exceptions
    assert set(re.findall(r"`make ([a-z-]+)`", exceptions[1])) == BY_HAND.keys()


def test_what_is_told_in_passing_is_run_by_a_test() -> None:
    prose = re.sub(r"^```.*?^```$|<!--.*?-->", "", README.read_text(), flags=re.DOTALL | re.MULTILINE)
    told = re.findall(r"`((?:[.]venv/bin/|helm |docker |npm )[^`]+)`", prose)
    assert set(told) == TOLD_IN_PASSING.keys()
    for path, words in TOLD_IN_PASSING.values():
        assert words in (ROOT / path).read_text(), path


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


@pytest.mark.clients
async def test_a_clean_checkout_is_all_that_make_run_the_tour_and_the_examples_take(clone: Path) -> None:
    address = free_address()
    variables = {**without_ours(os.environ), "JOB_API_LISTEN": address}
    async with making("run", clone, variables, INSTALLATION_SECONDS) as started:
        await take_the_tour(f"http://{address}", clone)
        await generate_clients(f"http://{address}", clone, without_ours(os.environ))
        await paste_the_welcome(started, clone)


def test_the_tables_are_written_by_the_command_that_is_said_to(clone: Path) -> None:
    readme = clone / "README.md"
    readme.write_text(readme.read_text().replace("| `createJob` |", "| `anything` |"))
    run(clone, "-m", "tests.readme")
    assert readme.read_text() == README.read_text()


def test_make_format_lays_out_code_and_no_more(clone: Path) -> None:
    added = clone / "service" / "added.py"
    added.write_text('"""Added."""\nONE   =   1\n')
    before = contents(clone)
    make(clone, "format")
    assert added.read_text() == '"""Added."""\n\nONE = 1\n'
    assert {path for path, text in contents(clone).items() if before.get(path) != text} == {added}


def test_make_clean_removes_what_was_made_and_no_more(clone: Path) -> None:
    before = contents(clone)
    made_here = {line for line in (ROOT / ".gitignore").read_text().split() if "*" not in line} - {"__pycache__/"}
    places = {
        "node_modules/": "examples/typescript/node_modules/",
        "generated/": "examples/typescript/generated/",
        "job_api_client/": "examples/python-client/job_api_client/",
    }
    folders = [clone / places.get(name, name.strip("/")) for name in made_here]
    for folder in folders:
        folder.mkdir()
        (folder / "made").touch()
    make(clone, "clean")
    assert [folder for folder in folders if folder.exists()] == []
    assert contents(clone) == before


def make(clone: Path, target: str) -> None:
    """Run a target of make in a checkout, with this Python's packages instead of the installation of its own."""
    if not (clone / ".venv").exists():
        (clone / ".venv").symlink_to(sys.prefix)
    command = ("make", "--old-file=.venv/.installed", target)
    subprocess.run(command, cwd=clone, env=without_ours(os.environ), check=True, timeout=WATCHDOG_SECONDS)


def run(clone: Path, *arguments: str) -> None:
    """Run Python in a checkout."""
    command = (sys.executable, *arguments)
    subprocess.run(command, cwd=clone, env=without_ours(os.environ), check=True, timeout=WATCHDOG_SECONDS)


def contents(folder: Path) -> dict[Path, bytes]:
    """Return the files of a checkout, but for what Python and the linters keep for themselves."""
    kept = {"__pycache__", ".ruff_cache", ".venv"}
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not kept & set(path.parts)}


def without_ours(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables as in a terminal of its own: no cluster, no settings, and no make above."""
    ours = re.compile(r"KUBECONFIG|VIRTUAL_ENV|MAKE.*|MFLAGS|JOB_API_.*|PYTHON.*")
    return {name: value for name, value in variables.items() if not ours.fullmatch(name)}


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"
