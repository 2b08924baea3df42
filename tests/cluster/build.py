"""Build the control plane's programs from the Go module beside this file, once, into the user's cache."""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ASSETS = "KUBEBUILDER_ASSETS"
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}
PROGRESS_SECONDS = 5.0


class BuildError(Exception):
    """The programs cannot be built; the message is one line that says what is missing."""


@dataclasses.dataclass(frozen=True)
class Binaries:
    """Where the six programs lie."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    kwok: Path


def binaries() -> Binaries:
    """Return the programs, building those that lie neither in KUBEBUILDER_ASSETS nor in the cache.

    A cold build takes minutes and reports its progress on stderr; a warm call needs no Go at all.

    Raises:
        BuildError: Go is missing, too old, or failed to build.
    """
    paths = {name: _asset(name) or _cache() / name for name in PACKAGES}
    missing = [name for name, path in paths.items() if not path.exists()]
    if missing:
        _build(missing, _cache())
    return Binaries(**{name.replace("-", "_"): path for name, path in paths.items()})


def go_version() -> str:
    """Return the oldest Go that can build the module, as go.mod states it."""
    return _from_go_mod(r"^go (\S+)$")


def _asset(name: str) -> Path | None:
    path = Path(os.environ.get(ASSETS, "")) / name
    return path.absolute() if os.environ.get(ASSETS) and os.access(path, os.X_OK) else None


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256((HERE / "go.mod").read_bytes() + (HERE / "go.sum").read_bytes())
    digest.update("\0".join((*_flags(), sys.platform, platform.machine())).encode())
    return Path(home) / "job-api" / "cluster" / digest.hexdigest()[:16]


def _flags() -> tuple[str, ...]:
    version = _from_go_mod(r"^\s*k8s\.io/kubernetes (v\S+)")
    major, minor, _ = version.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    linked = [f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items()]
    return ("-trimpath", "-ldflags", " ".join(["-s -w", *linked]))


def _from_go_mod(pattern: str) -> str:
    match = re.search(pattern, (HERE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{HERE / 'go.mod'} has no line like {pattern}")
    return match[1]


def _build(names: list[str], cache: Path) -> None:
    _check_go()
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with _locked(cache), _workspace(cache) as workspace:
        missing = [name for name in names if not (cache / name).exists()]
        for number, name in enumerate(missing, 1):
            _compile(name, workspace / name, f"[{number}/{len(missing)}] {name}")
            # Only a finished program appears under its name, so an interrupted build is continued, not trusted.
            (workspace / name).replace(cache / name)
    _say(f"{len(missing)} programs built in {time.monotonic() - started:.0f} s, kept in {cache}")


def _check_go() -> None:
    needed = f"the test cluster is built with Go {go_version()} or newer"
    if shutil.which("go") is None:
        raise BuildError(f"{needed}: there is no `go` on PATH")
    answer = subprocess.run(
        ["go", "env", "GOVERSION"], cwd=HERE, env=_environment(), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise BuildError(f"{needed}: `go env` says {' '.join(answer.stderr.split())}")
    if _numbers(answer.stdout) < _numbers(go_version()):
        raise BuildError(f"{needed}: `go` on PATH is {answer.stdout.strip()}")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def _environment() -> dict[str, str]:
    # The programs are this module's and run here, whatever workspace or target the user has otherwise.
    own = {key: value for key, value in os.environ.items() if key not in {"GOOS", "GOARCH"}}
    return {**own, "GOWORK": "off"}


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    with cache.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process builds the same programs; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _workspace(cache: Path) -> Iterator[Path]:
    for stale in cache.parent.glob(f"{cache.name}.partial-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{cache.name}.partial-", dir=cache.parent) as workspace:
        yield Path(workspace)


def _compile(name: str, target: Path, title: str) -> None:
    _say(f"{title}: building {PACKAGES[name]}")
    started = time.monotonic()
    command = ["go", "build", *_flags(), "-o", str(target), PACKAGES[name]]
    with subprocess.Popen(command, cwd=HERE, env=_environment(), stdout=sys.stderr) as go:
        try:
            while _running(go):
                _say(f"{title}: {time.monotonic() - started:.0f} s")
        except BaseException:
            go.send_signal(signal.SIGINT)
            raise
    if go.returncode != 0:
        raise BuildError(f"`{' '.join(command)}` ended with exit code {go.returncode}; its errors are above")


def _running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(PROGRESS_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _say(text: str) -> None:
    sys.stderr.write(f"cluster: {text}\n")
    sys.stderr.flush()
