"""Is an upstream error a metav1.Status? One that is none is wrapped in one, so that callers meet one shape."""

import re
import zlib
from collections.abc import Mapping

import msgspec

from service.errors import ApiError, ServiceUnavailable

# The type of a protobuf Status, as runtime.Unknown carries it after the four magic bytes:
# https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
_PROTOBUF_MAGIC = b"k8s\0"
_PROTOBUF_KIND = b"\x12\x06Status"
_PROTOBUF_HEAD_BYTES = 64
_YAML_KIND = re.compile(rb"^kind: Status\r?$", re.MULTILINE)
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


class _Kind(msgspec.Struct):
    kind: str = ""


def is_status(headers: Mapping[str, str], body: bytes, limit: int) -> bool:
    """Tell whether a body is a metav1.Status, in whatever form the apiserver writes one.

    Args:
        headers: the answer's headers; Content-Type and Content-Encoding are looked at.
        body: the whole body.
        limit: how many bytes a compressed body may come to.
    """
    if headers.get("Content-Encoding", "identity") == "gzip":
        try:
            body = zlib.decompressobj(_GZIP_WINDOW_BITS).decompress(body, limit)
        except zlib.error:
            return False
    media_type = headers.get("Content-Type", "").partition(";")[0].strip()
    if media_type == "application/json":
        return _is_json_status(body)
    if media_type == "application/yaml":
        return _YAML_KIND.search(body) is not None
    return body.startswith(_PROTOBUF_MAGIC) and _PROTOBUF_KIND in body[:_PROTOBUF_HEAD_BYTES]


def _is_json_status(body: bytes) -> bool:
    try:
        return msgspec.json.decode(body, type=_Kind).kind == "Status"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def wrapped(code: int, headers: Mapping[str, str]) -> ApiError:
    """Return the ApiError that stands for an upstream error without a Status, of which only the code is told.

    Its text is not passed on: a load balancer's page says nothing of use, and may name addresses.
    """
    told = {"Retry-After": headers["Retry-After"]} if "Retry-After" in headers else {}
    if 300 <= code < 400:
        return ServiceUnavailable(f"the apiserver answered with a redirect ({code}), which is not followed")
    return ApiError(
        f"the apiserver, or something before it, answered {code} without a Status", code=code, headers=told
    )
