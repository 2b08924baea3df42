"""Which Jobs a reader is after: a namespace and selectors."""

from dataclasses import dataclass, field

from service.kube.jobs import Job
from service.selectors import FieldSelector, LabelSelector


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list or a watch is limited to.

    Attributes:
        namespace: only the Jobs of this one; None for all.
        labels: the labelSelector.
        fields: the fieldSelector, whose fields Jobs have.
    """

    namespace: str | None = None
    labels: LabelSelector = field(default_factory=LabelSelector)
    fields: FieldSelector = field(default_factory=FieldSelector)

    def matches(self, job: Job) -> bool:
        """Tell whether a Job, in this state, is selected."""
        if self.namespace is not None and job.namespace != self.namespace:
            return False
        if self.labels and not self.labels.matches(job.labels):
            return False
        return not self.fields or self.fields.matches(job.fields)
