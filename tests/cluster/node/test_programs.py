"""A machine that cannot run a node is told so in one line, before anything is built."""

import os
import sys
from pathlib import Path

import pytest

from ..command import main
from ..go_module import BuildError
from . import debian
from .real_node import RealNode

ROOT_LINE = "cluster: a real node needs root: it mounts, makes namespaces and cgroups"
# Downloads nothing until it was told to update.
FAKE_APT = """#!/bin/sh
case "$*" in
*update*) touch "$FAKE_APT_LISTS" ;;
*) test -e "$FAKE_APT_LISTS" && echo content > one.deb ;;
esac
"""
# dpkg -x PACKAGE ROOT
FAKE_DPKG = """#!/bin/sh
mkdir -p "$3" && cp "$2" "$3"
"""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line of `make node`."""
    monkeypatch.setattr(sys, "argv", ["node"])


def _never() -> Path:
    raise AssertionError


@pytest.mark.usefixtures("command")
def test_without_root_the_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert main("node", None, RealNode, _never) == 1
    assert capfd.readouterr().err.splitlines() == [ROOT_LINE]


@pytest.mark.usefixtures("command")
def test_on_another_system_the_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert main("node", None, RealNode, _never) == 1
    assert capfd.readouterr().err.splitlines() == ["cluster: a real node needs Linux, and this is darwin"]


def test_a_machine_that_knows_no_packages_yet_asks_for_their_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "bin" / "apt-get", FAKE_APT)
    _program(tmp_path / "bin" / "dpkg", FAKE_DPKG)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_APT_LISTS", str(tmp_path / "lists"))

    root = debian.debian_root()

    assert (root / "one.deb").read_text() == "content\n"
    assert debian.debian_root() == root
    assert [folder.name for folder in root.parent.iterdir() if folder.is_dir()] == [root.name]


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_without_apt_the_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(BuildError, match="there is no `apt-get` on PATH"):
        debian.debian_root()
