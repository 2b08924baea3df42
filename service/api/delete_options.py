"""Merges the query and the body of a DELETE into the one DeleteOptions that goes upstream.

The apiserver ignores every query parameter as soon as there is a body, even dryRun, and orphans a Job's pods
unless it is told otherwise (https://kubernetes.io/docs/concepts/architecture/garbage-collection/). So there is
always a body, it says everything, and it says Background where the caller said nothing.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from service.api.query import is_true
from service.errors import BadRequest
from service.manifests import read_strictly

Propagation = Literal["Background", "Foreground", "Orphan"]


class Preconditions(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """metav1.Preconditions."""

    uid: str | None = None
    resourceVersion: str | None = None  # noqa: N815 (Kubernetes' spelling)


class DeleteOptions(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """metav1.DeleteOptions; None is a field that is not sent."""

    kind: str | None = None
    apiVersion: str | None = None  # noqa: N815
    gracePeriodSeconds: int | None = None  # noqa: N815
    preconditions: Preconditions | None = None
    orphanDependents: bool | None = None  # noqa: N815
    propagationPolicy: Propagation | None = None  # noqa: N815
    dryRun: list[str] | None = None  # noqa: N815
    ignoreStoreReadErrorWithClusterBreakingPotential: bool | None = None  # noqa: N815


def merged(query: Mapping[str, str], body: bytes) -> bytes:
    """Return the DeleteOptions to send, as JSON.

    Args:
        query: the checked query parameters of the DELETE.
        body: its body, JSON or YAML; may be empty.

    Raises:
        BadRequest: the body is no DeleteOptions, or a field has two values.
    """
    options = _read(body) if body.strip() else DeleteOptions()
    for name, value in _from_query(query):
        present = getattr(options, name)
        if present is not None and present != value:
            raise BadRequest(f"{name} is given twice, as {_shown(present)} and as {_shown(value)}; give it once")
        setattr(options, name, value)
    if options.propagationPolicy is None and options.orphanDependents is None:
        options.propagationPolicy = "Background"
    options.kind = options.kind or "DeleteOptions"
    options.apiVersion = options.apiVersion or "v1"
    return msgspec.json.encode(options)


def _read(body: bytes) -> DeleteOptions:
    try:
        return msgspec.convert(read_strictly(body), DeleteOptions)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the body is no DeleteOptions: {error}") from None


def _from_query(query: Mapping[str, str]) -> list[tuple[str, Any]]:
    """Return the fields that the query sets; deleteNow is not among them, for a Job has no grace period."""
    fields: list[tuple[str, Any]] = []
    if "gracePeriodSeconds" in query:
        fields.append(("gracePeriodSeconds", int(query["gracePeriodSeconds"])))
    if "orphanDependents" in query:
        fields.append(("orphanDependents", is_true(query["orphanDependents"])))
    fields += [("propagationPolicy", query[name]) for name in ("propagationPolicy", "propagation") if name in query]
    if "dryRun" in query:
        fields.append(("dryRun", [query["dryRun"]]))
    return fields


def _shown(value: object) -> str:
    return msgspec.json.encode(value).decode()
