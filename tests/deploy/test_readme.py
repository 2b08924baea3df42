"""The commands with which the README installs it, on a real apiserver and as they are pasted."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.build import binaries
from tests.cluster.cluster import KubectlError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.polling import eventually
from tests.readme import section, steps

from .helm import SECONDS
from .namespaces import nothing_left_in, ready_pods
from .paths import CHART, MANIFESTS, ROOT

NAMESPACE, CALLERS = "job-api", "team-a"
CALLER = f"system:serviceaccount:{CALLERS}:job-caller"


@pytest.fixture
def paste(built: Path, control_plane: ControlPlane, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Return what runs commands where helm and kubectl are found, and speak to the control plane."""
    (tmp_path / "helm").symlink_to(built)
    (tmp_path / "kubectl").symlink_to(binaries().kubectl)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": path, "HOME": str(tmp_path), "KUBECONFIG": str(control_plane.kubeconfig)}

    def paste(commands: str) -> None:
        ended = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{commands}\n{ended.stdout}\n{ended.stderr}"

    yield paste
    control_plane.kubectl("delete", "--kustomize", str(MANIFESTS), "--wait=false", "--ignore-not-found")
    control_plane.kubectl("delete", "namespace", CALLERS, "--wait=false", "--ignore-not-found")
    eventually(lambda: not {NAMESPACE, CALLERS} & namespaces(control_plane), "the namespaces are gone")


def namespaces(control_plane: ControlPlane) -> set[str]:
    listed = control_plane.kubectl("get", "namespaces", "--output=name").split()
    return {each.removeprefix("namespace/") for each in listed}


def arguments(control_plane: ControlPlane) -> list[str]:
    """Return what the installed service is started with."""
    found = control_plane.kubectl("get", "deployment", "job-api", f"--namespace={NAMESPACE}", "--output=json")
    args: list[str] = json.loads(found)["spec"]["template"]["spec"]["containers"][0]["args"]
    return args


def may_create(control_plane: ControlPlane) -> bool:
    with suppress(KubectlError):  # so it says no
        where = (f"--namespace={CALLERS}", f"--as={CALLER}")
        control_plane.kubectl("auth", "can-i", "create", "jobs.batch", *where)
        return True
    return False


@pytest.mark.deploy
def test_the_readmes_commands_do_what_it_says_in_their_order(
    paste: Callable[[str], None], control_plane: ControlPlane
) -> None:
    commands = [step.commands for step in steps(section("Installing with Helm"))]
    install, make_caller, bind_caller, upgrade, uninstall, apply = commands

    paste(install)
    eventually(lambda: len(ready_pods(control_plane, NAMESPACE)) == 2, "two pods are ready")

    paste(make_caller)
    assert not may_create(control_plane)
    paste(bind_caller)
    eventually(partial(may_create, control_plane), "the account may create Jobs")

    assert "--max-streams=1000" not in arguments(control_plane)
    paste(upgrade)
    assert "--max-streams=1000" in arguments(control_plane)

    paste(uninstall)
    eventually(partial(nothing_left_in, control_plane, NAMESPACE), "nothing is left")

    paste(apply)
    eventually(lambda: len(ready_pods(control_plane, NAMESPACE)) == 2, "two pods are ready")


def test_the_charts_own_readme_has_no_other_commands() -> None:
    tried = {step.commands for step in steps(section("Installing with Helm"))}
    assert {step.commands for step in steps((CHART / "README.md").read_text())} <= tried
