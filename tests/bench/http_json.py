"""One kept connection for the bench's own few questions; the loads have programs of their own."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

SECONDS = 60.0


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

    def text(self, method: str, path: str, body: object = None) -> str:
        """Send a request, with a JSON body if one is given, and return the answer's body.

        Raises:
            AnswerError: there is none, or it is no 2xx.
        """
        data = None if body is None else json.dumps(body)
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        try:
            self._connection.request(method, path, data, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise AnswerError(f"{method} {path}: {type(error).__name__}: {error}") from error
        if not 200 <= answer.status < 300:
            raise AnswerError(f"{method} {path}: {answer.status} {_message(text)}")
        return text

    def get(self, path: str) -> Any:
        """Return what is at a path, as JSON."""
        return json.loads(self.text("GET", path))


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())[:200]
