"""Which objects a LIST or a watch is about, and their order."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from multidict import MultiMapping

from service.errors import BadRequest
from service.sandbox.kinds import Kind
from service.sandbox.store import Stored
from service.selectors import (
    FieldSelector,
    LabelSelector,
    SelectorError,
    parse_field_selector,
    parse_label_selector,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a kind is selected.

    Attributes:
        kind: the kind.
        labels: the labelSelector.
        fields: the fieldSelector.
    """

    kind: Kind
    labels: LabelSelector
    fields: FieldSelector

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.labels and not self.fields

    @property
    def names_one(self) -> bool:
        """Whether only one name is selected; for a list the apiserver gets that object and looks for no more."""
        return any(term.field == "metadata.name" and term.equal for term in self.fields.terms)

    def includes(self, stored: Stored) -> bool:
        """Return whether an object of the kind is selected."""
        if not self.labels.matches(stored.labels):
            return False
        return not self.fields or self.fields.matches(self.kind.fields(stored.decoded()))

    def check_fields(self) -> None:
        """Check that the kind has the fields.

        Raises:
            BadRequest: it lacks one.
        """
        for term in self.fields.terms:
            if term.field not in self.kind.field_names:
                raise BadRequest(self.kind.unknown_field.format(field=term.field, quoted=json.dumps(term.field)))


def read_selection(query: MultiMapping[str], kind: Kind) -> Selection:
    """Read labelSelector and fieldSelector; whether there are such fields is not checked yet.

    Raises:
        BadRequest: one cannot be read.
    """
    try:
        labels = parse_label_selector(query.get("labelSelector", ""))
        return Selection(kind, labels, parse_field_selector(query.get("fieldSelector", "")))
    except SelectorError as error:
        raise BadRequest(str(error)) from None


def path_in(namespace: str | None) -> Callable[[Stored], str]:
    """Return what an object's path in etcd is, below that of a list; lists are in the order of their paths."""
    if namespace is None:
        return lambda stored: f"/{stored.key.namespace}/{stored.key.name}"
    return lambda stored: f"/{stored.key.name}"
