"""The node's only source of images: a registry that serves what lies in a folder, and has nothing else.

`python registry.py FOLDER PORT`, a program of its own. It speaks the part of the OCI distribution specification
that a pull takes: https://github.com/opencontainers/distribution-spec/blob/main/spec.md. containerd comes here for
every registry, and says in the parameter `ns` which one it was asked for.
"""

import json
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_PATH = re.compile(r"/v2/(?P<name>[a-z0-9][a-z0-9/._-]*)/(?P<kind>manifests|blobs)/(?P<reference>[\w.:-]+)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD from the folder."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/v2/":
            self._send(b"{}", "application/json")
            return
        found = _PATH.fullmatch(url.path)
        registry = parse_qs(url.query).get("ns", [""])[0]
        digest = self._digest(registry, found["name"], found["reference"]) if found else None
        blob = self.folder / "blobs" / digest.replace(":", "/") if digest else None
        if digest is None or blob is None or not blob.exists():
            self._refuse("NAME_UNKNOWN")
        elif found and found["kind"] == "manifests":
            manifest = blob.read_bytes()
            self._send(manifest, json.loads(manifest)["mediaType"], digest)
        else:
            self._send(blob.read_bytes(), "application/octet-stream", digest)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _digest(self, registry: str, name: str, reference: str) -> str | None:
        if _DIGEST.fullmatch(reference):
            return reference
        tag = self.folder / "tags" / registry / name / reference
        return tag.read_text() if tag.is_file() else None

    def _send(self, body: bytes, media_type: str, digest: str = "", status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, code: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": "there is no such thing here"}]}).encode()
        self._send(body, "application/json", status=HTTPStatus.NOT_FOUND)


def main(folder: str, port: str) -> None:
    """Serve the folder on the box's loopback for ever."""
    Handler.folder = Path(folder)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
