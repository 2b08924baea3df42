"""Ask the apiserver simple questions, and wait for an answer without overlooking a component that died."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .processes import Processes

POLL_SECONDS = 0.1
REQUEST_SECONDS = 5.0


class StartError(Exception):
    """A component ended or was not ready in time; the message ends with the end of its log."""


class Probe:
    """A client for polling: no proxies, no retries, one connection per question."""

    def __init__(self, port: int, token: str, ca_file: Path) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        # Python 3.13 is that strict by default; older ones shall not hide a certificate that it would refuse.
        self._tls.verify_flags |= ssl.VERIFY_X509_STRICT

    def is_ready(self) -> bool:
        """Say whether the apiserver is ready."""
        return self._get("/readyz") is not None

    def has_default_account(self) -> bool:
        """Say whether pods can be created in the namespace `default`."""
        return self._get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def has_ready_node(self, name: str) -> bool:
        """Say whether the scheduler would put a pod on the node: it is Ready and has no taint."""
        body = self._get(f"/api/v1/nodes/{name}")
        node: dict[str, Any] = json.loads(body) if body is not None else {}
        conditions = node.get("status", {}).get("conditions", [])
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return ready and not node["spec"].get("taints")

    def _get(self, path: str) -> bytes | None:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, timeout=REQUEST_SECONDS, context=self._tls
        )
        try:
            connection.request("GET", path, headers=self._headers)
            response = connection.getresponse()
            body = response.read()
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if response.status == 200 else None


class Watch:
    """One deadline for everything that has to happen until then."""

    def __init__(self, processes: Processes, seconds: float, poll_seconds: float = POLL_SECONDS) -> None:
        self._processes = processes
        self._seconds = seconds
        self._poll_seconds = poll_seconds
        self._deadline = time.monotonic() + seconds

    def wait(self, component: str, what: str, condition: Callable[[], bool]) -> None:
        """Poll until the condition holds; blame the component if that takes too long.

        Raises:
            StartError: time is up, or some component ended.
        """
        while not condition():
            for name, code in self._processes.ended().items():
                raise StartError(f"{name} ended with exit code {code}; {self._log(name)}")
            if time.monotonic() > self._deadline:
                raise StartError(f"{component} did not {what} within {self._seconds:.0f} s; {self._log(component)}")
            time.sleep(self._poll_seconds)

    def _log(self, name: str) -> str:
        return f"the end of its log:\n{self._processes.log(name)}"
