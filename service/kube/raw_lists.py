"""A list of objects of any kind, whose items stay the bytes that they are."""

from collections.abc import Iterable, Sequence

import msgspec

from service.kube.objects import decoded


class RawList(msgspec.Struct, frozen=True):
    """A list, or a page of one.

    Attributes:
        metadata: its metadata, as JSON.
        resource_version: the moment that it shows.
        continue_token: asks for the next page; empty at the end.
        items: what it holds; each a view of the whole list, to be copied (`bytes`) where it outlives it.
    """

    metadata: msgspec.Raw
    resource_version: str
    continue_token: str
    items: Sequence[msgspec.Raw]


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = "0"
    continue_token: str = msgspec.field(name="continue", default="")


class _List(msgspec.Struct):
    metadata: msgspec.Raw
    items: list[msgspec.Raw] | None = None


_list = msgspec.json.Decoder(_List)
_metadata = msgspec.json.Decoder(_Metadata)


def read_list(raw: bytes) -> RawList:
    """Read a list's JSON; its items are not looked at.

    Raises:
        msgspec.DecodeError: it is no list in JSON.
    """
    found = decoded(_list, raw)
    metadata = decoded(_metadata, found.metadata)
    return RawList(found.metadata, metadata.resource_version, metadata.continue_token, found.items or ())


def list_of(kind: str, metadata: bytes, items: Iterable[bytes]) -> bytes:
    """Return a list's JSON, as the apiserver lays it out.

    Args:
        kind: the list's kind, of the core group.
        metadata: its metadata, as JSON.
        items: its items, as JSON; without kind and apiVersion, as in any list.
    """
    head = b'{"kind":"%s","apiVersion":"v1","metadata":%s,"items":[' % (kind.encode(), metadata)
    return b"".join((head, b",".join(items), b"]}\n"))
