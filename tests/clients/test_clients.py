"""Generated clients import, compile, and do with types what a caller needs: create, get, wait, log, delete."""

import re
import sys
from pathlib import Path

import aiohttp
import pytest

from service.sandbox import server as sandbox_server
from service.sandbox.store import Store
from tests.callers import Caller
from tests.clients.conftest import Programs
from tests.conftest import StartService
from tests.contract.paths import jobs
from tests.examples.programs import run
from tests.tour import generate_clients
from tests.upstream import write_kubeconfig

pytestmark = pytest.mark.clients

BOTH = pytest.mark.parametrize("language", ["python", "typescript"])
# Each module on its own: one that nothing else needs is imported, too.
IMPORT_ALL = """
import importlib, pkgutil, job_api_client
names = [each.name for each in pkgutil.walk_packages(job_api_client.__path__, "job_api_client.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


async def test_the_readmes_commands_generate_both_clients_and_run_a_job_with_each(
    checkout: Path, sandbox: str
) -> None:
    await generate_clients(sandbox, checkout)


async def test_all_of_the_python_client_is_imported_without_a_warning(checkout: Path, programs: Programs) -> None:
    folder = str(checkout / "examples" / "python-client")
    done = await run(sys.executable, "-W", "error", "-c", IMPORT_ALL, PYTHONPATH=folder)
    assert (done.code, done.error) == (0, ""), done
    assert int(done.out) > 100


async def test_the_python_client_and_its_program_are_typed_throughout(checkout: Path, programs: Programs) -> None:
    folder = checkout / "examples" / "python-client"
    typed = (str(folder / "run_job.py"), str(folder / "job_api_client"))
    cache = f"--cache-dir={checkout / '.mypy_cache'}"
    done = await run(sys.executable, "-m", "mypy", "--strict", cache, *typed, MYPYPATH=str(folder))
    assert done.code == 0, done


@BOTH
async def test_a_job_is_run_and_leaves_nothing_behind(
    programs: Programs, sandbox: str, http_client: aiohttp.ClientSession, language: str
) -> None:
    done = await run(*programs[language], sandbox, "default", "busybox", "echo", "220")
    assert done.code == 0, done
    assert re.fullmatch(r"\[pod/run-job-\w+-\w+/main\] 220\n", done.out), done
    assert re.fullmatch(r"run-job-\w+ is there since 20.*\nComplete: .+\n", done.error), done
    assert (await Caller(http_client, sandbox, {})("GET", jobs("default"))).json["items"] == []


@BOTH
async def test_a_job_that_fails_is_known_by_its_condition(programs: Programs, sandbox: str, language: str) -> None:
    done = await run(*programs[language], sandbox, "default", "busybox", "sh", "-c", "echo not this time; exit 1")
    assert done.code == 1, done
    assert done.out.endswith("/main] not this time\n"), done
    assert "\nFailed: " in done.error, done


@BOTH
async def test_an_error_is_a_typed_status(programs: Programs, sandbox: str, language: str) -> None:
    done = await run(*programs[language], sandbox, "No-Label", "busybox", "true")
    assert (done.code, done.out) == (2, ""), done
    assert done.error.startswith("400 BadRequest: namespace 'No-Label' is not a DNS-1123 label"), done


@BOTH
async def test_a_token_is_shown(
    programs: Programs, start_service: StartService, tmp_path: Path, language: str
) -> None:
    token = tmp_path / "token"
    token.write_text("anyone\n")
    async with sandbox_server.running(Store()) as apiserver:
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", apiserver, {})
        url = await start_service(kubeconfig=kubeconfig, auth_mode="passthrough")
        command = (*programs[language], url, "default", "busybox", "true")
        without = await run(*command)
        assert without.code == 2, without
        assert without.error.startswith("401 Unauthorized: "), without
        shown = await run(*command, TOKEN_FILE=str(token))
        assert shown.code == 0, shown
