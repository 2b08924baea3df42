"""Which representation a caller gets: what Accept names first that can be produced.

https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.sandbox.errors import MEDIA_TYPES, NotAcceptable

# Protobuf cannot be produced here: who names something else too gets that.
_PRODUCED = ("application/json", "application/yaml")
_TRANSFORMATIONS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
_META_VERSIONS = ("v1", "v1beta1")
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_PEOPLES_CLIENTS = ("curl", "Wget", "Mozilla/5.0")


@dataclass(frozen=True, slots=True)
class Representation:
    """How an answer is written.

    Attributes:
        media_type: JSON or YAML.
        transformation: what it is to be transformed into, such as Table; empty for none.
        version: that of the transformation's API group, meta.k8s.io.
        pretty: whether JSON is indented.
    """

    media_type: str = "application/json"
    transformation: str = ""
    version: str = ""
    pretty: bool = False


@dataclass(frozen=True, slots=True)
class _Clause:
    media_type: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def quality(self) -> float:
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 1.0

    def names(self, media_type: str) -> bool:
        return self.media_type in {media_type, "*/*", f"{media_type.partition('/')[0]}/*"}


def check_acceptable(accept: str, *, is_list: bool = False, is_log: bool = False) -> None:
    """Refuse an Accept none of whose clauses names a type of the apiserver, in the words of its router.

    Raises:
        NotAcceptable: so it is.
    """
    named = {each.partition(";")[0].strip() for each in accept.split(",")}
    known = ("text/plain", *MEDIA_TYPES) if is_log else MEDIA_TYPES
    if not accept or "*/*" in named or named & set(known):
        return
    streams = [f"{each};stream=watch" for each in (MEDIA_TYPES[0], MEDIA_TYPES[2])] if is_list else []
    available = ", ".join([*known, *streams])
    raise NotAcceptable(f"406: Not Acceptable\n\nAvailable representations: {available}", details={})


def negotiate(accept: str, *, pretty: str | None, user_agent: str, transformable: bool = True) -> Representation:
    """Return the representation of an answer.

    Args:
        accept: the header; empty for JSON.
        pretty: the query parameter.
        user_agent: the caller's; people's own programs get indented JSON.
        transformable: whether the answer may be a Table and the like; a Status may not.

    Raises:
        NotAcceptable: there is none.
    """
    indented = pretty in _TRUE if pretty else user_agent.startswith(_PEOPLES_CLIENTS)
    if not accept:
        return Representation(pretty=indented)
    for clause in _clauses(accept):
        for media_type in _PRODUCED:
            if clause.names(media_type) and (found := _representation(media_type, clause, indented, transformable)):
                return found
    raise NotAcceptable(f"only the following media types are accepted: {', '.join(MEDIA_TYPES)}")


def _representation(media_type: str, clause: _Clause, indented: bool, transformable: bool) -> Representation | None:
    parameters = clause.parameters
    pretty = indented or parameters.get("pretty") == "1"
    streamed = parameters.get("stream", "") == "watch" and media_type == "application/json"
    if ("stream" in parameters and not streamed) or (parameters.get("sv") and not transformable):
        return None
    if not parameters.keys() & {"as", "g", "v"}:
        return Representation(media_type, pretty=pretty)
    kind, version = parameters.get("as", ""), parameters.get("v", "")
    known = kind in _TRANSFORMATIONS and version in _META_VERSIONS and parameters.get("g") == "meta.k8s.io"
    return Representation(media_type, kind, version, pretty) if known and transformable else None


def _clauses(accept: str) -> list[_Clause]:
    """Return the clauses of Accept, best first."""
    clauses = []
    for each in accept.split(","):
        media_type, *given = (part.strip() for part in each.split(";"))
        pairs = (parameter.partition("=") for parameter in given)
        clauses.append(_Clause(media_type, {name.strip(): value.strip() for name, _, value in pairs}))
    return sorted(clauses, key=lambda clause: (-clause.quality, clause.media_type.count("*")))
