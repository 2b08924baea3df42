"""Reads the few fields that we need out of an object's raw bytes, and builds nothing else."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class _Metadata(msgspec.Struct):
    name: str = ""


class _Named(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Annotations(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Annotated(msgspec.Struct):
    metadata: _Annotations = msgspec.field(default_factory=_Annotations)


class _Version(msgspec.Struct, rename="camel"):
    git_version: str | None = None


def name_of(raw: bytes) -> str | None:
    """Return metadata.name of an object in JSON, or None when the bytes are in another form or have none."""
    try:
        return msgspec.json.decode(raw, type=_Named).metadata.name or None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def annotation_of(raw: bytes, key: str) -> str | None:
    """Return one of an object's annotations; None when it has none of this key, or is no object in JSON."""
    try:
        return (msgspec.json.decode(raw, type=_Annotated).metadata.annotations or {}).get(key)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def git_version_of(raw: bytes) -> str | None:
    """Return gitVersion of the apiserver's /version answer, or None when it has none."""
    try:
        return msgspec.json.decode(raw, type=_Version).git_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decoded(decoder: "msgspec.json.Decoder[T]", raw: bytes) -> T:
    """Decode, with one kind of error for whatever is wrong with the bytes.

    Raises:
        msgspec.DecodeError: they are not what the decoder reads.
    """
    try:
        return decoder.decode(raw)
    except UnicodeDecodeError:  # which is no DecodeError
        raise msgspec.DecodeError("a text is not UTF-8") from None
