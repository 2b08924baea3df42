"""What every kind of test cluster offers, however it is run."""

import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .build import Binaries, binaries
from .certificates import Authority, KeyPair
from .kubeconfig import write_kubeconfig
from .polling import eventually, is_frozen
from .processes import Processes
from .readiness import Probe, Watch

START_SECONDS = 90.0
KUBECTL_SECONDS = 60.0


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it wrote to stderr."""


class Cluster:
    """A cluster that lives as long as a `with` block, in a temporary directory.

    Leaving the block, calling `stop()`, or the end of this process in whatever way ends every component and removes
    the directory. Requests are authenticated by `admin_token` (system:masters), `alice_token` (alice in the group
    dev, who may do nothing until a test binds a role), ServiceAccount tokens, or certificates from
    `issue_client()`. A kind of cluster says what its components are in `_open`, `_prepare` and `_start_all`.
    """

    directory: Path
    server: str
    ca_file: Path
    kubeconfig: Path

    _programs: Binaries
    _processes: Processes
    _commands: Mapping[str, list[str]]
    _probe: Probe

    def __init__(self) -> None:
        self.admin_token = secrets.token_hex(16)
        self.alice_token = secrets.token_hex(16)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Build what is missing and start everything; when that fails nothing is left running.

        Raises:
            BuildError: a program cannot be built.
            StartError: a component ended, or was not ready in time; the message ends with its log.
        """
        self._programs = binaries()
        self._processes = self._open()
        try:
            self.directory = self._processes.directory
            self._authority = Authority(self.directory)
            self.ca_file = self._authority.ca_file
            self._prepare()
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill every component and remove the directory; calling it again does nothing."""
        if hasattr(self, "_processes"):
            self._processes.close()

    @property
    def pids(self) -> dict[str, int]:
        """The running components' process ids, and under `supervisor` that of their parent."""
        return {**self._processes.pids(), "supervisor": self._processes.supervisor_pid}

    def ended(self) -> dict[str, int]:
        """Return the exit codes of the components that ended though nobody stopped them; normally empty."""
        return self._processes.ended()

    def log(self, name: str) -> str:
        """Return the end of a component's log."""
        return self._processes.log(name)

    def stop_component(self, name: str) -> None:
        """Kill a component, as a crash would; on return it is gone."""
        self._processes.kill(name)

    def start_component(self, name: str) -> None:
        """Start a stopped component again, on the same port; etcd and the apiserver are ready on return."""
        self._processes.start(name, self._commands[name])
        if name in {"etcd", "kube-apiserver"}:
            self._watch().wait(name, "answer /readyz", self._probe.is_ready)

    def pause_component(self, name: str) -> None:
        """Freeze a component: on return its connections are open and nothing answers on them."""
        self._processes.signal(name, signal.SIGSTOP)
        pid = self._processes.pids()[name]
        eventually(lambda: is_frozen(pid), f"freeze {name}")

    def resume_component(self, name: str) -> None:
        """Let a frozen component go on."""
        self._processes.signal(name, signal.SIGCONT)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 - subprocess's own name for it
        """Run kubectl as admin and return what it printed.

        Raises:
            KubectlError: it ended with an error.
        """
        return self.kubectl_bytes(*arguments, input=(input or "").encode()).decode()

    def kubectl_bytes(self, *arguments: str, input: bytes = b"") -> bytes:  # noqa: A002 - as above
        """Run kubectl as admin and return what it printed, which may be no text.

        Raises:
            KubectlError: it ended with an error.
        """
        result = subprocess.run(
            [str(self._programs.kubectl), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=input,
            env={"HOME": str(self.directory)},
            capture_output=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {result.stderr.decode().strip()}")
        return result.stdout

    def issue_client(self, common_name: str, *organizations: str) -> KeyPair:
        """Issue a client certificate for a user and its groups."""
        return self._authority.client(common_name, organizations)

    def kubeconfig_for(self, name: str, *, token: str | None = None, client: KeyPair | None = None) -> Path:
        """Write `<name>.kubeconfig` into the directory and return its path."""
        path = self.directory / f"{name}.kubeconfig"
        return write_kubeconfig(path, self.server, self.ca_file, token=token, client=client)

    def _open(self) -> Processes:
        return Processes()

    def _prepare(self) -> None:
        raise NotImplementedError

    def _start_all(self) -> None:
        raise NotImplementedError

    def _serve_on(self, port: int) -> None:
        """Note where the apiserver is, for everyone who asks it."""
        self.server = f"https://127.0.0.1:{port}"
        self.kubeconfig = self.kubeconfig_for("admin", token=self.admin_token)
        self._probe = Probe(port, self.admin_token, self.ca_file)

    def _write_tokens(self) -> Path:
        path = self.directory / "tokens.csv"
        path.touch(mode=0o600)
        path.write_text(f'{self.admin_token},admin,admin,"system:masters"\n{self.alice_token},alice,alice,"dev"\n')
        return path

    def _watch(self) -> Watch:
        return Watch(self._processes, START_SECONDS)
