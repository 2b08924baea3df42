"""The examples do what they say: on the sandbox, on a real apiserver, and where containers really run."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec
import pytest
import yaml

from service.api.samples import MANIFEST
from tests.callers import Caller
from tests.cluster.build import binaries
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.paths import job, jobs
from tests.examples.programs import ended, run, started
from tests.faults.proxy import Fault, FaultProxy
from tests.readme import README, section
from tests.waiting import WATCHDOG_SECONDS, eventually_true

EXAMPLES = README.parent / "examples"
SLEEP1 = EXAMPLES / "sleep1.yaml"
STEP = str(EXAMPLES / "pipeline" / "run-job.sh")
PYTHON = (sys.executable, "-W", "error", str(EXAMPLES / "python" / "run_job.py"))
RUNNERS = {"pipeline": (STEP,), "python": PYTHON}
LOG = re.compile(r"(\[pod/sleep1-\w+/sleep\] 220\n){3}")
CUT = Fault(cut_after=0)


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> str | None:
    """Return the kubeconfig of a cluster, or None for the sandbox; a test says which by a parameter."""
    fixture = {"sandbox": None, "apiserver": "control_plane", "node": "real_node"}[request.param]
    return str(request.getfixturevalue(fixture).kubeconfig) if fixture else None


@pytest.fixture
async def url(kubeconfig: str | None, start_service: StartService) -> str:
    """Return the address of the service in front of it."""
    return await start_service(kubeconfig=kubeconfig) if kubeconfig else await start_service(sandbox=True)


ON_AN_APISERVER = pytest.mark.parametrize(
    "kubeconfig", ["sandbox", pytest.param("apiserver", marks=pytest.mark.cluster)], indirect=True
)
# A log that is followed ends only where containers really run.
ON_A_NODE = pytest.mark.parametrize(
    "kubeconfig", ["sandbox", pytest.param("node", marks=pytest.mark.node)], indirect=True
)


@pytest.fixture
async def sandbox(start_service: StartService) -> str:
    """Return the address of a service in front of a sandbox."""
    return await start_service(sandbox=True)


@pytest.fixture
def api(sandbox: str, http_client: aiohttp.ClientSession) -> Caller:
    """Return a caller of that service."""
    return Caller(http_client, sandbox, {})


def script_job(folder: Path, name: str, script: str) -> Path:
    """Write a manifest of a Job that runs a shell script once, and return where it is."""
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template},
    }
    path = folder / f"{name}.yaml"
    path.write_bytes(msgspec.json.encode(manifest))
    return path


def test_the_first_manifest_is_the_same_wherever_it_is_shown() -> None:
    assert f"cat > sleep1.yaml <<'EOF'\n{SLEEP1.read_text()}EOF\n" in section("A tour")
    assert yaml.safe_load(SLEEP1.read_text()) == MANIFEST


def test_every_example_is_told_of() -> None:
    told = (EXAMPLES / "README.md").read_text()
    made_here = {"node_modules", "generated", "job_api_client"}
    files = [path for path in EXAMPLES.rglob("*.*") if path.is_file() and not made_here & {*path.parts}]
    for path in files:
        if path.suffix in {".sh", ".py", ".yml", ".yaml", ".ts"} and path != SLEEP1:
            assert f"]({path.relative_to(EXAMPLES)})" in told, path


@ON_AN_APISERVER
async def test_the_life_of_a_job_in_curl_lines(url: str) -> None:
    done = await run(str(EXAMPLES / "curl" / "tour.sh"), url, "default")
    assert done.code == 0, done
    assert LOG.search(done.out), done
    assert done.out.count("\n== ") == 7
    assert done.out.endswith('"status":"Success"\n')


@pytest.mark.cluster
async def test_kubectl_is_a_client_of_the_service(control_plane: ControlPlane, start_service: StartService) -> None:
    url = await start_service(kubeconfig=str(control_plane.kubeconfig))
    path = f"{binaries().kubectl.parent}:{os.environ['PATH']}"
    done = await run(str(EXAMPLES / "kubectl" / "raw.sh"), url, "default", PATH=path)
    assert done.code == 0, done
    assert LOG.search(done.out), done
    assert done.out.endswith('"status":"Success"\n')


@ON_A_NODE
async def test_a_pipelines_step_shows_the_log_and_ends_well_with_its_job(url: str) -> None:
    done = await run(STEP, url, "default", str(SLEEP1), RUN_JOB_DELETE="yes")
    assert done.code == 0, done
    assert LOG.fullmatch(done.out), done


@ON_A_NODE
async def test_the_python_program_shows_the_log_and_ends_well_with_its_job(url: str) -> None:
    done = await run(*PYTHON, url, "default", str(SLEEP1), "--delete")
    assert done.code == 0, done
    assert LOG.fullmatch(done.out), done


@ON_A_NODE
@pytest.mark.parametrize("runner", RUNNERS)
async def test_a_job_that_fails_is_shown_and_fails_its_step(url: str, tmp_path: Path, runner: str) -> None:
    manifest = script_job(tmp_path, f"failing-{runner}", "echo not this time; exit 1")
    done = await run(*RUNNERS[runner], url, "default", str(manifest))
    assert done.code == 1, done
    assert re.fullmatch(rf"\[pod/failing-{runner}-\w+/main\] not this time\n", done.out), done
    assert "backoff limit" in done.error.lower(), done


@pytest.mark.parametrize("runner", RUNNERS)
async def test_a_manifest_that_is_refused_is_told_with_its_place(sandbox: str, tmp_path: Path, runner: str) -> None:
    manifest = tmp_path / "other.yaml"
    manifest.write_text(SLEEP1.read_text().replace("kind: Job", "kind: CronJob"))
    done = await run(*RUNNERS[runner], sandbox, "default", str(manifest))
    assert (done.code, done.out) == (2, ""), done
    assert 'line 2, column 7: kind is "CronJob"' in done.error


@pytest.mark.parametrize("runner", RUNNERS)
async def test_one_job_is_made_though_the_first_answer_is_lost(sandbox: str, api: Caller, runner: str) -> None:
    async with FaultProxy(sandbox) as network:
        network.faults = iter([CUT, *[Fault()] * 100])
        done = await run(*RUNNERS[runner], network.url, "default", str(SLEEP1))
        assert done.code == 0, done
        assert network.requests("POST") == 2
    assert len((await api("GET", jobs("default"))).json["items"]) == 1


@ON_A_NODE
async def test_a_step_that_is_cancelled_leaves_no_job(
    url: str, http_client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    manifest = script_job(tmp_path, "long", "echo begun; sleep 600")
    step = await started(STEP, url, "default", str(manifest))
    assert step.stdout is not None
    async with asyncio.timeout(WATCHDOG_SECONDS):
        assert b"begun" in await step.stdout.readline()
    step.terminate()
    done = await ended(step)
    assert done.code == 143, done
    assert (await Caller(http_client, url, {})("GET", job("default", "long"))).status == 404


async def test_a_step_that_is_cancelled_before_it_knows_leaves_no_job_either(sandbox: str, api: Caller) -> None:
    async with FaultProxy(sandbox) as network:
        network.faults = iter([Fault(stall_after=0), *[Fault()] * 100])
        step = await started(STEP, network.url, "default", str(SLEEP1))

        async def the_job_is_there() -> bool:
            return (await api("GET", job("default", "sleep1"))).status == 200

        await eventually_true(the_job_is_there)
        step.terminate()
        done = await ended(step)
        assert done.code == 143, done
    assert (await api("GET", job("default", "sleep1"))).status == 404


async def test_a_service_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    done = await run(STEP, "http://127.0.0.1:1", "default", str(SLEEP1), RUN_JOB_ATTEMPTS="1")
    assert (done.code, done.out) == (2, ""), done
    assert "cannot be created: 000" in done.error


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "github-actions.yaml", "tekton-task.yaml"])
def test_what_calls_the_step_names_what_it_takes(name: str) -> None:
    """Their own systems are not here: that they are YAML, and that the step knows these variables, is all of it."""
    text = (EXAMPLES / "pipeline" / name).read_text()
    assert isinstance(yaml.safe_load(text), Mapping)
    assert "./run-job.sh" in text
    variables = set(re.findall(r"RUN_JOB_[A-Z_]+", text))
    assert variables <= set(re.findall(r"\$\{(RUN_JOB_[A-Z_]+)", Path(STEP).read_text()))
    assert {"RUN_JOB_TOKEN_FILE", "RUN_JOB_KEY"} <= variables
