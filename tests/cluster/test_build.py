"""What `binaries()` promises, shown with programs and a Go that are shell scripts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import build
from .go_module import ASSETS, BuildError

NAMES = tuple(build.PACKAGES)
ROOT = build.HERE.parent.parent
GO_VERSION = build.kubernetes(build.PACKAGES).go_version()
# Answers `go env GOVERSION`; for `go build … -o TARGET PACKAGE` notes the package and writes the target.
FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo "${FAKE_GO_VERSION:-go99.0}"; exit; fi
while [ "$1" != -o ]; do shift; done
echo "$3" >> "$FAKE_GO_NOTES"
echo half > "$2"
case "$3" in *"${FAKE_GO_FAILS:-nothing}") exit 3;; esac
echo whole > "$2"
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and a fake Go; the packages that it builds are noted in the file returned."""
    _program(tmp_path / "bin" / "go", FAKE_GO)
    monkeypatch.delenv(ASSETS, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_GO_NOTES", str(tmp_path / "notes"))
    return tmp_path / "notes"


def _program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_programs_in_the_assets_folder_are_used_without_any_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        _program(tmp_path / name)
    monkeypatch.setenv(ASSETS, str(tmp_path))
    monkeypatch.setenv("PATH", "")

    assert build.binaries() == build.Binaries(*(tmp_path / name for name in NAMES))


def test_only_what_the_assets_folder_lacks_is_built(
    tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("etcd", "kube-apiserver", "kubectl"):
        _program(tmp_path / "assets" / name)
    monkeypatch.setenv(ASSETS, str(tmp_path / "assets"))

    programs = build.binaries()

    assert programs.etcd == tmp_path / "assets" / "etcd"
    assert programs.kwok.read_text() == "whole\n"
    built = {"kube-controller-manager", "kube-scheduler", "kwok"}
    assert set(notes.read_text().split()) == {build.PACKAGES[name] for name in built}


def test_a_second_call_builds_nothing(notes: Path) -> None:
    first = build.binaries()
    notes.unlink()

    assert build.binaries() == first
    assert not notes.exists()


def test_a_failed_build_leaves_no_half_program_and_the_next_one_goes_on_from_there(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_FAILS", "kube-scheduler")
    with pytest.raises(BuildError, match="exit code 3"):
        build.binaries()
    monkeypatch.delenv("FAKE_GO_FAILS")
    notes.unlink()

    programs = build.binaries()

    assert programs.kube_scheduler.read_text() == "whole\n"
    assert notes.read_text().split() == [build.PACKAGES[name] for name in ("kube-scheduler", "kubectl", "kwok")]
    assert not list(programs.kwok.parent.parent.glob("*.partial-*"))


def test_two_builders_at_once_build_each_program_once(notes: Path) -> None:
    builders = [
        subprocess.Popen([sys.executable, "-m", "tests.cluster", "build"], cwd=ROOT, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]

    assert [builder.wait() for builder in builders] == [0, 0]
    assert sorted(notes.read_text().split()) == sorted(build.PACKAGES.values())


@pytest.mark.usefixtures("notes")
def test_progress_counts_the_programs_and_ends_with_the_time(capfd: pytest.CaptureFixture[str]) -> None:
    build.binaries()

    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "cluster: [1/6] etcd: building go.etcd.io/etcd/server/v3"
    assert lines[-1].startswith("cluster: 6 programs built in ")


@pytest.mark.usefixtures("notes")
def test_a_go_that_is_too_old_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.21.13")

    with pytest.raises(BuildError, match=f"Go {GO_VERSION} or newer: .* is go1.21.13"):
        build.binaries()


def test_without_go_the_command_ends_with_one_line_that_names_the_version(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.cluster", "build"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    expected = f"cluster: the test cluster is built with Go {GO_VERSION} or newer: there is no `go` on PATH"
    assert result.stderr.splitlines() == [expected]
