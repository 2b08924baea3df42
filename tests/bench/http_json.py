"""One kept connection for the bench's own few questions; the loads have programs of their own."""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

SECONDS = 60.0
BLOCK_BYTES = 1 << 20
FAULTS = (OSError, http.client.HTTPException)
NONE: Mapping[str, str] = {}


class AnswerError(Exception):
    """There is no answer, or it is no success; the message is one line with the server's own words."""


class Connection:
    """A keep-alive connection to one server, for a `with` block."""

    def __init__(self, url: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port
        self._headers = dict(headers)
        self._connection = (
            http.client.HTTPConnection(host, port, timeout=SECONDS)
            if tls is None
            else http.client.HTTPSConnection(host, port, timeout=SECONDS, context=tls)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def text(self, method: str, path: str, body: object = None, headers: Mapping[str, str] = NONE) -> str:
        """Send a request, with a body if one is given, as JSON unless it is bytes, and return the answer's.

        Raises:
            AnswerError: there is none, or it is no 2xx.
        """
        self.ask(method, path, body, headers)
        return self.answer(method, path)

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] = NONE) -> None:
        """Do the first half of it: send the request, as several connections do at once."""
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(method, path, data, {**self._headers, **kind, **headers})
        except FAULTS as error:
            raise AnswerError(f"{method} {path}: {type(error).__name__}: {error}") from error

    def answer(self, method: str, path: str) -> str:
        """Do the second half, of what was asked last."""
        try:
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except FAULTS as error:
            raise AnswerError(f"{method} {path}: {type(error).__name__}: {error}") from error
        if not 200 <= answer.status < 300:
            raise AnswerError(f"{method} {path}: {answer.status} {_message(text)}")
        return text

    def timed(self, path: str) -> tuple[float, float]:
        """GET what is at a path, and return the seconds until the first byte of the body, and until the last.

        Raises:
            AnswerError: there is no answer, it is no 2xx, or does not come whole.
        """
        try:
            self._connection.connect()
            began = time.perf_counter()
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
            start = answer.read(1)
            first = time.perf_counter() - began
            while answer.status == 200 and answer.read(BLOCK_BYTES):
                pass
            total = time.perf_counter() - began
            if answer.status != 200:
                raise AnswerError(f"GET {path}: {answer.status} {_message((start + answer.read()).decode())}")
        except FAULTS as error:
            raise AnswerError(f"GET {path}: {type(error).__name__}: {error}") from error
        return first, total

    def json(self, method: str, path: str, body: object = None, headers: Mapping[str, str] = NONE) -> Any:
        """Do the same, and return the answer's body as JSON."""
        return json.loads(self.text(method, path, body, headers))

    def get(self, path: str) -> Any:
        """Return what is at a path, as JSON."""
        return self.json("GET", path)


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())[:200]
