"""A manifest that may be sent again: its Job has a name that is known beforehand, and a mark of what made it.

The mark is an annotation with digests only. So the Job itself remembers, and nothing else has to.
"""

import hashlib
import json
from base64 import b32encode
from dataclasses import dataclass
from typing import NamedTuple

from service.errors import BadRequest
from service.manifests.look import look
from service.manifests.strict import JsonValue, read_strictly

ANNOTATION = "job-api/idempotency"
# Together the 63 characters that also fit a label, as the names that the apiserver generates do.
_PREFIX_LENGTH = 47
_SUFFIX_LENGTH = 16


class Mark(NamedTuple):
    """What a Job was made by: two SHA-256 digests in hex.

    Attributes:
        key: of the idempotency key and its scope: user, namespace, and name or generateName.
        body: of the manifest's JSON value, however it was spelt.
    """

    key: str
    body: str

    def __str__(self) -> str:
        return f"{self.key}.{self.body}"


@dataclass(frozen=True, slots=True)
class RepeatableManifest:
    """A manifest that makes one Job, however often it is sent.

    Attributes:
        body: the manifest as JSON, with its name and its mark.
        name: the name that its Job gets; whether it is a valid one is the apiserver's to say.
        mark: the mark.
    """

    body: bytes
    name: str
    mark: Mark


def make_repeatable(body: bytes, namespace: str, username: str, key: str) -> RepeatableManifest:
    """Write a manifest anew, so that a second one for the same key finds the Job of the first.

    Of a generateName a name is made that ends in a digest of the key. It blocks for as long as the reading takes;
    aliases may make much of a small body.

    Args:
        body: the request's body, JSON or YAML.
        namespace: the namespace that the request goes to.
        username: who sends it; empty where all callers are one.
        key: the idempotency key.

    Raises:
        BadRequest: the body is refused by `read_strictly`, or by `look` once its aliases and merges are written
            out, or its metadata are of a wrong type.
    """
    manifest = _mapping(read_strictly(body), "the body")
    written_out = _json(manifest)
    _look_again(written_out, namespace)
    metadata = _mapping(manifest["metadata"], "metadata")
    annotations = _mapping(metadata.get("annotations"), "metadata.annotations")
    name, generate_name = _text(metadata, "name"), _text(metadata, "generateName")
    scope = ["name", name] if name else ["generateName", generate_name]
    mark = Mark(_digest(_json([username, namespace, *scope, key])), _digest(written_out))
    name = name or _generated(generate_name, mark)
    marked: dict[str, JsonValue] = {
        **metadata,
        "name": name,
        "annotations": {**annotations, ANNOTATION: str(mark)},
    }
    return RepeatableManifest(_json({**manifest, "metadata": marked}), name, mark)


def read_mark(text: str) -> Mark:
    """Return the mark that an annotation's text holds; of any other text one that no manifest has."""
    key, _, body = text.partition(".")
    return Mark(key, body)


def _look_again(written_out: bytes, namespace: str) -> None:
    try:
        look(written_out, namespace)
    except BadRequest as error:
        raise BadRequest(f"in the manifest as JSON, with aliases and merges written out: {error.message}") from None


def _mapping(value: JsonValue, path: str) -> dict[str, JsonValue]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{path} is not a mapping: write it as an object")
    return value


def _text(metadata: dict[str, JsonValue], field: str) -> str:
    value = metadata.get(field)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"metadata.{field} is not a string: quote it")
    return value or ""


def _generated(prefix: str, mark: Mark) -> str:
    suffix = b32encode(bytes.fromhex(mark.key)).decode().lower()[:_SUFFIX_LENGTH]
    return prefix[:_PREFIX_LENGTH] + suffix


def _json(value: JsonValue) -> bytes:
    """Return equal bytes for equal values, at any time: Jobs bear the digests for as long as they exist."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    except RecursionError:
        raise BadRequest("the body is nested too deep when its aliases are written out") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
