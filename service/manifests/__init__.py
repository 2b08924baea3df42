"""What a request's body says: a look at a manifest that is relayed as it is, and a strict reading.

Whatever bytes come in, either answers or raises BadRequest, in time and memory linear in their size.
"""

from service.manifests.look import ManifestLook, look
from service.manifests.strict import JsonValue, Reading, RepeatedKey, read_strictly, read_with_repeated_keys

__all__ = [
    "JsonValue",
    "ManifestLook",
    "Reading",
    "RepeatedKey",
    "look",
    "read_strictly",
    "read_with_repeated_keys",
]
