"""What people do first once it is installed: what NOTES says, and `helm test`."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.callers import Caller
from tests.cluster.build import binaries
from tests.cluster.control_plane import ControlPlane
from tests.contract.conftest import Backend
from tests.waiting import WATCHDOG_SECONDS

from .helm import Helm, of_kind
from .paths import CHART
from .release import PLACEHOLDER, Release, Served, release_of

pytestmark = pytest.mark.deploy

PASSTHROUGH = {"settings": {"authMode": "passthrough"}}


@asynccontextmanager
async def installed(
    helm: Helm, direct: Caller, backend: Backend, directory: Path, values: Mapping[str, Any]
) -> AsyncIterator[tuple[Release, Served]]:
    release = release_of(helm.rendered(values, namespace=PLACEHOLDER), direct, backend)
    await release.install("edit")
    try:
        async with release.served(direct.session, directory) as served:
            yield release, served
    finally:
        await release.uninstall()


async def ran(*command: str, **variables: str) -> tuple[int | None, str]:
    """Run a command, and return its exit code and all that it prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WATCHDOG_SECONDS):
        printed, _ = await process.communicate()
    return process.returncode, printed.decode()


@pytest.mark.parametrize("mode", ["delegated", "passthrough"])
async def test_the_lines_of_the_notes_work_as_they_are_pasted(
    helm: Helm,
    direct: Caller,
    backend: Backend,
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    mode: str,
) -> None:
    values = {"settings": {"authMode": mode}, "rbac": {"namespaces": [namespace]}}
    (tmp_path / "kubectl").symlink_to(binaries().kubectl)
    dry = ("install", "job-api", str(CHART), f"--namespace={PLACEHOLDER}", "--dry-run=client")
    _, _, notes = helm(*dry, values=values).partition("\nNOTES:\n")
    async with installed(helm, direct, backend, tmp_path, values) as (release, served):
        lines = re.findall(r"^  .*$", notes.replace(PLACEHOLDER, release.namespace), re.MULTILINE)
        forwarded = [line for line in lines if "port-forward service/job-api 8080:80" in line]
        script = "\n".join(line for line in lines if line not in forwarded)
        code, printed = await ran(
            "bash",
            "-e",
            "-c",
            script.replace("http://127.0.0.1:8080", served.api.url),
            PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            HOME=str(tmp_path),
            KUBECONFIG=str(control_plane.kubeconfig),
        )
    assert len(forwarded) == 1
    assert code == 0, printed
    assert '"type":"Complete"' in printed
    assert re.search(r'"status":"Success","details":{"name":"sleep1"', printed), printed


@pytest.mark.parametrize("values", [{}, PASSTHROUGH], ids=["delegated", "passthrough"])
async def test_what_helm_test_runs_is_content_with_the_service_and_with_nothing_else(
    helm: Helm, direct: Caller, backend: Backend, tmp_path: Path, values: Mapping[str, Any]
) -> None:
    async with installed(helm, direct, backend, tmp_path, values) as (release, served):
        (pod,) = of_kind(release.objects, "Pod")
        (container,) = pod["spec"]["containers"]
        token = tmp_path / "token"
        token.write_text(await release.token("job-api"))
        variables = {each["name"]: each["value"] for each in container["env"]}
        assert variables["URL"] == f"http://job-api.{release.namespace}.svc:80"
        variables |= {"URL": served.api.url, "TOKEN_FILE": str(token), "CERTIFICATE_FILE": str(tmp_path / "none")}
        command = (sys.executable, *container["command"][1:], *container["args"])
        code, printed = await ran(*command, **variables)
        assert code == 0, printed
        assert re.findall(r"^(\w+):", printed, re.MULTILINE) == ["ok"] * 3
        code, printed = await ran(*command, **{**variables, "AUTH_MODE": "none"})
        assert code == 1, printed
        token.write_text("nobody")
        code, printed = await ran(*command, **variables)
        assert code == 1, printed
