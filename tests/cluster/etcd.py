"""Asks etcd itself, over the JSON form of its API: https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 10.0


def compact(url: str) -> None:
    """Let etcd forget every revision before the present one."""
    present = _ask(url, "/v3/maintenance/status", {})["header"]["revision"]
    _ask(url, "/v3/kv/compaction", {"revision": present, "physical": True})


def _ask(url: str, path: str, body: Mapping[str, object]) -> Any:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_SECONDS)
    try:
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"etcd answers {response.status} to {path}: {content!r}")
    return json.loads(content)
