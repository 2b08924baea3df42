"""Each kind of credentials, in front of a real apiserver that decides whether they hold."""

import json
import shlex
from pathlib import Path

import aiohttp
import pytest
import yaml
from kubernetes_asyncio.config import incluster_config

from tests.callers import Caller, assert_is_status
from tests.cluster.control_plane import ControlPlane
from tests.conftest import StartService
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.upstream import write_kubeconfig

pytestmark = pytest.mark.cluster


@pytest.fixture
def token(control_plane: ControlPlane) -> str:
    """Return a real ServiceAccount's token, which may list Jobs in all namespaces and do nothing else."""
    name = "lister"
    if name not in control_plane.kubectl("get", "serviceaccounts", "--output=name"):
        control_plane.kubectl("create", "serviceaccount", name)
        control_plane.kubectl("create", "clusterrole", name, "--verb=list", "--resource=jobs")
        bound = f"--serviceaccount=default:{name}"
        control_plane.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", bound)
    return control_plane.kubectl("create", "token", name).strip()


async def test_a_client_certificate_speaks_for_us(
    control_plane: ControlPlane, start_service: StartService, http_client: aiohttp.ClientSession
) -> None:
    certificate = control_plane.issue_client("somebody", "system:masters")
    url = await start_service(kubeconfig=str(control_plane.kubeconfig_for("certificate", client=certificate)))
    assert (await Caller(http_client, url, {})("GET", jobs("default"))).status == 200


async def test_a_certificate_inside_of_the_kubeconfig_does_too(
    control_plane: ControlPlane, start_service: StartService, http_client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    flattened = tmp_path / "flat"
    certificate = control_plane.issue_client("somebody-else", "system:masters")
    by_files = control_plane.kubeconfig_for("files", client=certificate)
    flattened.write_text(control_plane.kubectl("config", "view", "--flatten", f"--kubeconfig={by_files}"))
    assert "client-key-data" in flattened.read_text()
    url = await start_service(kubeconfig=str(flattened))
    assert (await Caller(http_client, url, {})("GET", jobs("default"))).status == 200


async def test_an_exec_plugins_token_does_too(
    control_plane: ControlPlane, start_service: StartService, http_client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    version = "client.authentication.k8s.io/v1"
    credential = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": control_plane.admin_token}}
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho {shlex.quote(json.dumps(credential))}\n")
    plugin.chmod(0o700)
    kubeconfig = write_kubeconfig(
        tmp_path / "exec",
        control_plane.server,
        {"certificate-authority": str(control_plane.ca_file)},
        exec={"apiVersion": version, "command": str(plugin), "interactiveMode": "Never"},
    )
    url = await start_service(kubeconfig=kubeconfig)
    assert (await Caller(http_client, url, {})("GET", jobs("default"))).status == 200


async def test_a_pods_service_account_is_used_and_what_it_may_not_do_is_the_apiservers_403(
    control_plane: ControlPlane,
    token: str,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "token").write_text(token + "\n")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(control_plane.ca_file))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    host, port = control_plane.server.removeprefix("https://").split(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    api = Caller(http_client, await start_service(), {})
    assert (await api("GET", jobs("default"))).status == 200
    for method, path, body in (
        ("GET", job("default", "a"), None),
        ("DELETE", job("default", "a"), None),
        ("POST", jobs("default"), suspended("a")),
    ):
        refused = assert_is_status(await api(method, path, body), 403, "Forbidden")
        assert 'User "system:serviceaccount:default:lister" cannot' in refused["message"]
    assert (await api("GET", "/readyz")).status == 200


async def test_a_token_that_the_apiserver_does_not_know_is_503_and_not_ready(
    control_plane: ControlPlane, start_service: StartService, http_client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    content = yaml.safe_load(control_plane.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": "of-yesterday"}
    (tmp_path / "old").write_text(yaml.safe_dump(content))
    api = Caller(http_client, await start_service(kubeconfig=str(tmp_path / "old")), {})
    refused = await api("GET", jobs("default"))
    assert "credentials" in assert_is_status(refused, 503, "ServiceUnavailable")["message"]
    assert b"of-yesterday" not in refused.body
    assert_is_status(await api("GET", "/readyz"), 503, "ServiceUnavailable")
