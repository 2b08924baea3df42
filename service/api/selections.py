"""Reads the selectors of a request into a Selection; what cannot be read is the apiserver's to refuse."""

from collections.abc import Mapping

from service.cache.selection import Selection
from service.selectors import SelectorError, parse_field_selector, parse_label_selector

# The fields that the apiserver lets a fieldSelector name of Jobs.
_FIELDS = frozenset(("metadata.name", "metadata.namespace", "status.successful"))


def selection_of(namespace: str | None, asked: Mapping[str, str]) -> Selection | None:
    """Return what a list or a watch is limited to, or None when a selector is none that Jobs have."""
    try:
        labels = parse_label_selector(asked.get("labelSelector", ""))
        fields = parse_field_selector(asked.get("fieldSelector", ""))
    except SelectorError:
        return None
    if any(term.field not in _FIELDS for term in fields.terms):
        return None
    return Selection(namespace, labels, fields)


def selectors_of(asked: Mapping[str, str]) -> dict[str, str]:
    """Return the selectors as they were given, for a list upstream."""
    return {name: asked[name] for name in ("labelSelector", "fieldSelector") if asked.get(name)}


def selected_name(asked: Mapping[str, str]) -> str:
    """Return the one name that is selected, empty where it is not just one: that is what a review is about.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
    """
    if not asked.get("fieldSelector"):
        return ""
    selection = selection_of(None, asked)
    if selection is None:
        return ""
    names = {term.value for term in selection.fields.terms if term.field == "metadata.name" and term.equal}
    return names.pop() if len(names) == 1 else ""
