"""The contract holds for the service as the chart runs it: a process, with the chart's account and nothing more.

These are the contract's own tests. Those about one answer, or about one stream, are run here. The others start a
service of their own, or look inside one, which a process does not allow.
"""

import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.callers import Caller
from tests.cluster.polling import eventually
from tests.cluster.processes import Processes
from tests.contract import (
    test_create,
    test_delete,
    test_errors,
    test_events,
    test_health,
    test_idempotency,
    test_logs,
    test_manifests,
    test_pods,
    test_read,
    test_wait,
    test_watch,
    test_watch_answers,
    test_watch_selection,
)
from tests.contract.conftest import Backend
from tests.contract.served import Served
from tests.contract.test_logs import fake_node
from tests.faults.proxy import FaultProxy
from tests.processes import COMMAND, ROOT
from tests.upstream import write_kubeconfig

from .helm import Helm
from .release import Release, release_of, rendered

__all__ = ["fake_node"]

pytestmark = pytest.mark.deploy

NAME = "job-api"
MODULES = (
    test_create,
    test_delete,
    test_errors,
    test_events,
    test_health,
    test_idempotency,
    test_logs,
    test_manifests,
    test_pods,
    test_read,
    test_wait,
    test_watch,
    test_watch_answers,
    test_watch_selection,
)
# Fixtures of tests that count what goes upstream, where reviews and the cache go too, or that look inside.
INSIDE = {"served", "proxied_api", "proxy", "caplog", "replicas"}
LEFT_OUT = {
    # They write their requests byte by byte, and no caller's token with them.
    test_create.test_a_chunked_body_is_counted_as_it_comes,
    test_create.test_a_body_is_not_asked_for_when_the_request_is_refused_without_it,
    test_watch_answers.test_head_is_answered_at_once_and_without_a_body,
    test_idempotency.test_what_is_no_key_is_refused,
    # They look inside the services that wait: how often those read a Job, and what they count.
    test_wait.test_a_job_that_runs_to_its_end_is_answered_raw_with_one_read_and_no_polling,
    test_wait.test_a_suspended_job_is_told_as_it_is_and_when_the_time_is_over,
    test_wait.test_a_job_that_is_deleted_while_waited_for_is_404_that_says_so,
    test_wait.test_another_job_of_the_same_name_is_never_taken_for_the_one_waited_for,
    test_wait.test_a_job_that_is_gone_the_moment_it_finishes_is_still_answered,
}


def those_of(module: ModuleType) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield a module's tests that ask the service and nothing else, by name."""
    for name, test in vars(module).items():
        if name.startswith("test_") and test not in LEFT_OUT:
            fixtures = inspect.signature(test).parameters.keys()
            if fixtures & {"api", "services"} and not fixtures & INSIDE:
                yield name, staticmethod(test)


# A class for each module, as some have tests of the same name.
for _module in MODULES:
    _name = _module.__name__.rpartition(".test_")[2]
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (), {"__doc__": _module.__doc__, **dict(those_of(_module))})


async def start(processes: Processes, release: Release) -> str:
    """Start the service with the arguments and the account of a release, and return its URL."""
    backend, log = release.backend, processes.directory / f"{NAME}.log"
    cluster = {"certificate-authority": str(backend.ca_file)}
    kubeconfig = write_kubeconfig(
        processes.directory / "kubeconfig", backend.server, cluster, token=await release.token(NAME)
    )
    own = [*release.arguments, "--listen=127.0.0.1:0", f"--kubeconfig={kubeconfig}"]
    processes.start(NAME, ["env", f"PYTHONPATH={ROOT}", *COMMAND, *own])

    def serving() -> list[str]:
        assert not processes.ended(), processes.log(NAME)
        lines = (json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n"))
        return [line["url"] for line in lines if line["event"] == "serving"]

    eventually(serving, "serve")
    return serving()[0]


# One for all tests: it is the start of a process that takes its time.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(real_backend: Backend, built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return the URL of the service."""
    async with aiohttp.ClientSession() as session:
        admin = real_backend.caller(session)
        objects = await rendered(Helm(built, tmp_path_factory.mktemp("helm")), admin, {})
        release = release_of(objects, admin, real_backend)
        await release.install("edit")
        assert "--auth-mode=delegated" in release.arguments
        processes = Processes()
        try:
            yield await start(processes, release)
            assert not processes.ended(), processes.log(NAME)
        finally:
            processes.close()
            await release.uninstall()


@pytest.fixture
def api(url: str, real_backend: Backend, http_client: aiohttp.ClientSession) -> Caller:
    """Return a caller who may do everything; the service asks the apiserver, as it does for every caller."""
    return Caller(http_client, url, {"Authorization": f"Bearer {real_backend.token}"})


@pytest.fixture
def services(api: Caller) -> list[Served]:
    """Return the service as the tests of waits call it."""
    return [Served(api, FaultProxy("", None), web.Application())]


@pytest.fixture
def changeable() -> None:
    """Say that Jobs are changed by PATCH."""
