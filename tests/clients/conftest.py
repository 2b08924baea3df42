"""A checkout in which the README's commands have generated both clients."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import StartService
from tests.readme import README
from tests.tour import generate_clients

ROOT = README.parent
HOW_TO_INSTALL = "there is no npm here; on Debian: apt-get install --no-install-recommends nodejs npm"
Programs = dict[str, tuple[str, ...]]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the examples, as they are committed, and with this Python as its own."""
    if shutil.which("npm") is None:
        pytest.fail(HOW_TO_INSTALL, pytrace=False)
    folder = tmp_path_factory.mktemp("checkout")
    generated = shutil.ignore_patterns("node_modules", "generated", "job_api_client", "__pycache__", ".mypy_cache")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=generated)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture
async def sandbox(start_service: StartService) -> str:
    """Return the address of a service in front of a sandbox."""
    return await start_service(sandbox=True)


@pytest.fixture
async def programs(checkout: Path, sandbox: str) -> Programs:
    """Return how the program of each client is started, once both are generated."""
    python, typescript = checkout / "examples" / "python-client", checkout / "examples" / "typescript"
    script = typescript / "generated" / "run-job.js"
    if not script.exists():
        await generate_clients(sandbox, checkout)
    return {
        "python": (sys.executable, "-W", "error", str(python / "run_job.py")),
        "typescript": ("node", str(script)),
    }
