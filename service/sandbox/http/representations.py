"""Writes answers: JSON and YAML as the apiserver does, whole objects or their metadata only."""

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from service.sandbox.errors import NotAcceptable
from service.sandbox.http.negotiation import Representation
from service.sandbox.http.tables import table
from service.sandbox.kinds import Kind
from service.sandbox.store import Object, Stored

# Go's encoding/json writes these so that JSON can stand inside HTML; they occur in strings only.
_ESCAPED = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
_STRING_TAG = "tag:yaml.org,2002:str"
# What YAML 1.1 reads as something else than a string, beyond what PyYAML's own resolver knows.
_OLD_BOOLEANS = frozenset(("y", "Y", "n", "N"))


def written(content: Object, representation: Representation) -> bytes:
    """Return an object as the apiserver writes it."""
    if representation.media_type == "application/yaml":
        return yaml.dump(content, Dumper=_Dumper, default_flow_style=False, allow_unicode=True).encode()
    body = msgspec.json.encode(content)
    for plain, escaped in _ESCAPED:
        body = body.replace(plain, escaped)
    return msgspec.json.format(body, indent=2) if representation.pretty else body + b"\n"


def of_object(kind: Kind, content: Object, representation: Representation, include_object: str) -> Object:
    """Return an object in the form that was asked for.

    Raises:
        NotAcceptable: it was asked for as a list.
        BadRequest: `include_object` is none that there is.
    """
    whole = with_type(kind, content)
    match representation.transformation:
        case "Table":
            version = content["metadata"].get("resourceVersion")  # a dry run makes none
            metadata = {"resourceVersion": version} if version else {}
            return table(kind, metadata, [whole], representation.version, include_object)
        case "PartialObjectMetadata":
            return metadata_only(whole, representation.version)
        case "PartialObjectMetadataList":
            asked, found = "PartialObjectMetadataList", f"not a list (*{_go_type(kind)})"
            raise NotAcceptable(f"you requested {asked}, but the requested object is {found}")
    return whole


def of_list(
    kind: Kind,
    metadata: Mapping[str, Any],
    items: list[Stored],
    representation: Representation,
    include_object: str,
) -> Object:
    """Return a list in the form that was asked for.

    Raises:
        NotAcceptable: it was asked for as one object.
        BadRequest: `include_object` is none that there is.
    """
    version = representation.version
    match representation.transformation:
        case "Table":
            rows = [with_type(kind, each.decoded()) for each in items]
            return table(kind, metadata, rows, version, include_object)
        case "PartialObjectMetadataList":
            partial = [metadata_only(each.decoded(), version) for each in items]
            return {
                "kind": "PartialObjectMetadataList",
                "apiVersion": f"meta.k8s.io/{version}",
                "metadata": metadata,
                "items": partial or None,
            }
        case "PartialObjectMetadata":
            asked, found = "PartialObjectMetadata", f"a list (*{_go_type(kind)}List)"
            raise NotAcceptable(f"you requested {asked}, but the requested object is {found}")
    return {
        "kind": f"{kind.name}List",
        "apiVersion": kind.api_version,
        "metadata": metadata,
        "items": [_without_type(each.decoded()) for each in items],
    }


def with_type(kind: Kind, content: Object) -> Object:
    """Return an object with its kind and apiVersion, which come first."""
    return {"kind": kind.name, "apiVersion": kind.api_version, **_without_type(content)}


def metadata_only(content: Object, version: str) -> Object:
    """Return an object's metadata as a PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": content["metadata"],
    }


def _without_type(content: Object) -> Object:
    return {name: value for name, value in content.items() if name not in {"kind", "apiVersion"}}


def _go_type(kind: Kind) -> str:
    return f"{kind.group or 'core'}.{kind.name}"


class _Dumper(yaml.SafeDumper):
    """Quotes as the YAML library of the apiserver does."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif text in _OLD_BOOLEANS or _reads_as(dumper, text) != _STRING_TAG:
        style = '"'
    return dumper.represent_scalar(_STRING_TAG, text, style=style)


def _reads_as(dumper: yaml.SafeDumper, text: str) -> str:
    tag: str = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag


_Dumper.add_representer(str, _string)
