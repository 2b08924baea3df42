"""Label and field selectors: parsed once, matched often; what is refused is refused in the apiserver's words."""

from .errors import SelectorError
from .fields import FieldSelector, FieldTerm, parse_field_selector
from .labels import LabelSelector, Requirement, parse_label_selector

__all__ = [
    "FieldSelector",
    "FieldTerm",
    "LabelSelector",
    "Requirement",
    "SelectorError",
    "parse_field_selector",
    "parse_label_selector",
]
