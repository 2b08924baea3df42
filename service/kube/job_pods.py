"""Which pods are a Job's: those that its own selector matches, whatever their names are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from service.kube.objects import decoded
from service.kube.pods import Pod

# The label that tells Jobs apart, also those that bear one name after the other.
_CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
_OPERATORS = {"In": "in", "NotIn": "notin"}
# Every character of a label's key or value; with another one the text would say something else.
_WORD = re.compile(r"[-A-Za-z0-9_./]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobPods:
    """Tells a Job's pods from all others; a Job of the same name that was deleted had other pods.

    Attributes:
        job_uid: the Job's uid.
        label_selector: what a list or a watch of the namespace's pods selects them with; never empty.
        manual: the selector is the user's own, and may match others' pods: see `includes`.
    """

    job_uid: str
    label_selector: str
    manual: bool

    def narrowed(self, label_selector: str) -> str:
        """Return the selector for those of the Job's pods that another selector matches too.

        Args:
            label_selector: the other one, as text; it may be empty, or none that the apiserver takes.
        """
        return f"{self.label_selector},{label_selector}" if label_selector.strip() else self.label_selector

    def includes(self, pod: Pod) -> bool:
        """Tell whether a pod that the selector matches is the Job's."""
        return not self.manual or pod.controller_uid == self.job_uid


class _Expression(msgspec.Struct):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] | None = None


class _Selector(msgspec.Struct, rename="camel"):
    match_labels: dict[str, str] | None = None
    match_expressions: list[_Expression] | None = None


class _Spec(msgspec.Struct, rename="camel"):
    selector: _Selector | None = None
    manual_selector: bool | None = None


class _Metadata(msgspec.Struct):
    uid: str = ""


class _Job(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec


_job = msgspec.json.Decoder(_Job)


def pods_of(raw_job: bytes) -> JobPods:
    """Return what tells a Job's pods from others, from the Job's JSON.

    The apiserver takes an empty selector where it is the user's own, and it would match the whole namespace. It is
    never asked for: the label that Kubernetes gives to a Job's pods stands in for it, which is this Job's alone.
    Pods without that label are then not found. The same holds for a selector that cannot be written as text, with
    which no controller finds a pod either.

    Raises:
        msgspec.DecodeError: it is no Job in JSON.
    """
    job = decoded(_job, raw_job)
    selector = _text(job.spec.selector or _Selector()) or f"{_CONTROLLER_UID}={job.metadata.uid}"
    return JobPods(job.metadata.uid, selector, bool(job.spec.manual_selector))


def _text(selector: _Selector) -> str:
    """Return a selector as LabelSelectorAsSelector writes it, sorted by key; empty where that cannot be done.

    https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#LabelSelectorAsSelector
    """
    labels, expressions = selector.match_labels or {}, selector.match_expressions or ()
    if not all(map(_WORD.fullmatch, _words(labels, expressions))):
        return ""
    requirements = [(key, f"{key}={value}") for key, value in labels.items()]
    for each in expressions:
        if each.operator not in _OPERATORS:
            requirements.append((each.key, each.key if each.operator == "Exists" else f"!{each.key}"))
        elif each.values:
            values = ",".join(sorted(each.values))
            requirements.append((each.key, f"{each.key} {_OPERATORS[each.operator]} ({values})"))
        else:
            return ""
    return ",".join(text for _, text in sorted(requirements, key=lambda requirement: requirement[0]))


def _words(labels: Mapping[str, str], expressions: Sequence[_Expression]) -> Iterator[str]:
    yield from labels
    yield from labels.values()
    for each in expressions:
        yield each.key
        yield from each.values or ()
