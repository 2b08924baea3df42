"""Build the programs of a Go module of ours, once, into the user's cache."""

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
from collections.abc import Iterator, Mapping
from pathlib import Path

ASSETS = "KUBEBUILDER_ASSETS"
PROGRESS_SECONDS = 5.0


class BuildError(Exception):
    """The programs cannot be built; the message is one line that says what is missing."""


@dataclasses.dataclass(frozen=True)
class GoModule:
    """A folder with go.mod and go.sum, and the programs wanted of it: each one's name and its package."""

    folder: Path
    packages: Mapping[str, str]
    flags: tuple[str, ...]

    def programs(self) -> dict[str, Path]:
        """Return the programs by name, building those that lie neither in KUBEBUILDER_ASSETS nor in the cache.

        A cold build takes minutes and reports its progress on stderr; a warm call needs no Go at all.

        Raises:
            BuildError: Go is missing, too old, or failed to build.
        """
        paths = {name: _asset(name) or self._cache() / name for name in self.packages}
        missing = [name for name, path in paths.items() if not path.exists()]
        if missing:
            self._build(missing)
        return paths

    def go_version(self) -> str:
        """Return the oldest Go that can build the module, as go.mod states it."""
        return self.from_go_mod(r"^go (\S+)$")

    def from_go_mod(self, pattern: str) -> str:
        """Return what the pattern's group matches in go.mod."""
        match = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        if match is None:
            raise BuildError(f"{self.folder / 'go.mod'} has no line like {pattern}")
        return match[1]

    def _cache(self) -> Path:
        sources = [self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("*.go"))]
        digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
        digest.update("\0".join((*self.flags, sys.platform, platform.machine())).encode())
        return cache_folder() / digest.hexdigest()[:16]

    def _build(self, names: list[str]) -> None:
        self._check_go()
        cache = self._cache()
        cache.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with locked(cache), workspace(cache) as folder:
            missing = [name for name in names if not (cache / name).exists()]
            for number, name in enumerate(missing, 1):
                self._compile(name, folder / name, f"[{number}/{len(missing)}] {name}")
                # Only a finished program appears under its name, so an interrupted build is continued, not trusted.
                (folder / name).replace(cache / name)
        say(f"{len(missing)} programs built in {time.monotonic() - started:.0f} s, kept in {cache}")

    def _check_go(self) -> None:
        needed = f"the test cluster is built with Go {self.go_version()} or newer"
        if shutil.which("go") is None:
            raise BuildError(f"{needed}: there is no `go` on PATH")
        answer = subprocess.run(
            ["go", "env", "GOVERSION"],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise BuildError(f"{needed}: `go env` says {' '.join(answer.stderr.split())}")
        if _numbers(answer.stdout) < _numbers(self.go_version()):
            raise BuildError(f"{needed}: `go` on PATH is {answer.stdout.strip()}")

    def _compile(self, name: str, target: Path, title: str) -> None:
        say(f"{title}: building {self.packages[name]}")
        started = time.monotonic()
        command = ["go", "build", *self.flags, "-o", str(target), self.packages[name]]
        with subprocess.Popen(command, cwd=self.folder, env=_environment(), stdout=sys.stderr) as go:
            try:
                while _running(go):
                    say(f"{title}: {time.monotonic() - started:.0f} s")
            except BaseException:
                go.send_signal(signal.SIGINT)
                raise
        if go.returncode != 0:
            raise BuildError(f"`{' '.join(command)}` ended with exit code {go.returncode}; its errors are above")


def cache_folder() -> Path:
    """Return the user's folder for what was built or downloaded; it need not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "job-api" / "cluster"


@contextlib.contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Keep every other process out that fills the same folder of the cache."""
    with cache.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process builds the same programs; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def workspace(cache: Path) -> Iterator[Path]:
    """Make a folder beside the one in the cache for what is not finished; the rests of others are removed."""
    for stale in cache.parent.glob(f"{cache.name}.partial-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{cache.name}.partial-", dir=cache.parent) as folder:
        yield Path(folder)


def say(text: str) -> None:
    """Write a line for the person who waits."""
    sys.stderr.write(f"cluster: {text}\n")
    sys.stderr.flush()


def _asset(name: str) -> Path | None:
    path = Path(os.environ.get(ASSETS, "")) / name
    return path.absolute() if os.environ.get(ASSETS) and os.access(path, os.X_OK) else None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def _environment() -> dict[str, str]:
    # The programs are the module's and run here, whatever workspace or target the user has otherwise.
    own = {key: value for key, value in os.environ.items() if key not in {"GOOS", "GOARCH"}}
    return {**own, "GOWORK": "off"}


def _running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(PROGRESS_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False
