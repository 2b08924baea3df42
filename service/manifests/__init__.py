"""What a request's body says: a look at a manifest that is relayed as it is, a strict reading, and one to repeat.

Whatever bytes come in, either answers or raises BadRequest, in time and memory linear in their size.
"""

from service.manifests.look import ManifestLook, look
from service.manifests.repeatable import ANNOTATION, Mark, RepeatableManifest, make_repeatable, read_mark
from service.manifests.strict import JsonValue, Reading, RepeatedKey, read_strictly, read_with_repeated_keys

__all__ = [
    "ANNOTATION",
    "JsonValue",
    "ManifestLook",
    "Mark",
    "Reading",
    "RepeatableManifest",
    "RepeatedKey",
    "look",
    "make_repeatable",
    "read_mark",
    "read_strictly",
    "read_with_repeated_keys",
]
