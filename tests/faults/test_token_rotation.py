"""The service account's token is rotated while calls go on."""

import asyncio
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from kubernetes_asyncio.config import incluster_config

from service.kube.credentials import RETRY_SECONDS
from tests.callers import Caller
from tests.cluster.control_plane import ControlPlane
from tests.conftest import Figure, StartService
from tests.contract.paths import direct_jobs
from tests.faults.load import Load
from tests.waiting import WATCHDOG_SECONDS

pytestmark = [pytest.mark.cluster, pytest.mark.soak]


class ServiceAccount:
    """A namespace's ServiceAccounts, which follow each other: of each there is one token, in a pod's file."""

    def __init__(self, control_plane: ControlPlane, namespace: str, file: Path) -> None:
        self._kubectl = control_plane.kubectl
        self._in = f"--namespace={namespace}"
        self._names = (f"holder-{number}" for number in count())
        self._name = ""
        self._file = file
        self.token = ""
        rights = ("create", "role", "holder", "--verb=get,create", "--resource=jobs")
        self._kubectl(*rights, self._in)
        group = f"--group=system:serviceaccounts:{namespace}"
        self._kubectl("create", "rolebinding", "holder", "--role=holder", group, self._in)

    def rotate(self) -> str:
        """Put a new token into the file, let the apiserver refuse the old one, and return that."""
        old_name, old = self._name, self.token
        self._name = next(self._names)
        self._kubectl("create", "serviceaccount", self._name, self._in)
        self.token = self._kubectl("create", "token", self._name, self._in).strip()
        new = self._file.with_suffix(".new")
        new.write_text(self.token + "\n")
        new.replace(self._file)  # in one moment, as the kubelet does it
        if old_name:
            self._kubectl("delete", "serviceaccount", old_name, self._in)
        return old


async def is_refused(direct: Caller, namespace: str, token: str) -> None:
    """Wait until the apiserver knows a token no more; it remembers for ten seconds that it did."""
    headers = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(WATCHDOG_SECONDS):
        while (await direct("GET", direct_jobs(namespace), headers=headers)).status != 401:
            await asyncio.sleep(0.05)


async def test_no_call_notices_that_the_token_is_rotated(
    control_plane: ControlPlane,
    direct: Caller,
    namespace: str,
    start_service: StartService,
    http_client: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    soaking: bool,
    figure: Figure,
) -> None:
    rotations = 10 if soaking else 1
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(control_plane.ca_file))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    host, port = control_plane.server.removeprefix("https://").split(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    account = ServiceAccount(control_plane, namespace, tmp_path / "token")
    account.rotate()
    load = Load(Caller(http_client, await start_service(auth_mode="none"), {}), namespace)
    async with load.running(count(), callers=4):
        for _ in range(rotations):
            # After a reading comes a pause; no kubelet brings a token whose days are over within a second.
            await asyncio.sleep(RETRY_SECONDS * 1.5)
            old = await asyncio.to_thread(account.rotate)
            await is_refused(direct, namespace, old)
            answered = len(load.answers)
            await load.has_answers(answered + 20)
    assert {answer.status for answer in load.created.values()} == {201}
    assert {answer.status for answer in load.read.values()} == {200}
    figure(f"{len(load.answers)} calls went on while the token was rotated {rotations} times")
