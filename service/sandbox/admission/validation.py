"""The rules for a Job, in the apiserver's order.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/batch/validation/validation.go
"""

from typing import Any

from service.sandbox.admission import formats
from service.sandbox.admission.metadata_validation import (
    check_annotations,
    check_labels,
    check_object_meta,
    check_selector,
    selector_matches,
)
from service.sandbox.admission.pod_validation import check_pod_spec
from service.sandbox.admission.policy_validation import check_pod_failure_policy, check_success_policy
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"

_MOST_INDEXES_OF_HIGH_COMPLETIONS = 10_000
_HIGH_COMPLETIONS = 100_000
_MOST_INDEXES = 100_000


def validate(job: Object) -> None:
    """Raise 422 Invalid, naming every error, unless a Job with its defaults and its selector is valid.

    What is not checked here, because only few have it, is taken as it is.
    """
    errors = FieldErrors()
    metadata, spec = job["metadata"], job["spec"]
    check_object_meta(metadata, errors)
    if not spec["manualSelector"]:
        _check_generated_selector(metadata, spec, errors)
    _check_spec(spec, errors)
    _check_selector(spec, errors)
    completions = spec.get("completions", 0)
    if spec["completionMode"] == "Indexed" and completions > 0:
        hostname = f"{metadata.get('name', '')}-{completions - 1}"
        if formats.dns_label(hostname):
            told = f"will not able to create pod with invalid DNS label: {hostname}"
            errors.invalid("metadata.name", metadata.get("name", ""), told)
    errors.raise_if_any(metadata.get("name", ""))


def _check_generated_selector(metadata: Object, spec: Object, errors: FieldErrors) -> None:
    name, uid, labels = metadata.get("name", ""), metadata["uid"], spec["template"]["metadata"]["labels"]
    expected = {"controller-uid": uid, "job-name": name, CONTROLLER_UID: uid, JOB_NAME: name}
    for key, value in expected.items():
        if labels.get(key) != value:
            errors.invalid(f"spec.template.metadata.labels[{key}]", labels, f"must be '{value}'")
    if selector_matches(spec["selector"], expected) is False:
        errors.invalid("spec.selector", spec["selector"], "`selector` not auto-generated")


def _check_selector(spec: Object, errors: FieldErrors) -> None:
    labels = spec["template"]["metadata"].get("labels")
    selector = spec.get("selector")
    if selector is None:
        errors.required("spec.selector")
    else:
        check_selector(selector, "spec.selector", errors)
    # No selector matches nothing, as a selector in Go does.
    if selector is None or selector_matches(selector, labels or {}) is False:
        errors.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _check_spec(spec: Object, errors: FieldErrors) -> None:
    for name in (
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ):
        errors.not_negative(f"spec.{name}", spec.get(name))
    if "maxFailedIndexes" in spec and "backoffLimitPerIndex" not in spec:
        errors.required("spec.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if "managedBy" in spec:
        _check_managed_by(spec["managedBy"], errors)
    _check_completion_mode(spec, errors)
    if "podFailurePolicy" in spec:
        check_pod_failure_policy(spec, errors)
    if "successPolicy" in spec:
        check_success_policy(spec, errors)
    _check_pod_replacement_policy(spec, errors)
    _check_template(spec["template"], errors)
    _check_restart_policy(spec, errors)


def _check_managed_by(manager: str, errors: FieldErrors) -> None:
    field = "spec.managedBy"
    host, _, path = manager.partition("/")
    if not manager:
        errors.required(field)
    elif not host or not path:
        errors.invalid(field, manager, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        errors.invalid_each(field, host, formats.dns_subdomain(host))
        errors.invalid_each(field, path, formats.http_path(path))
    if len(manager.encode()) > 63:
        errors.too_long(field, 63)


def _check_completion_mode(spec: Object, errors: FieldErrors) -> None:
    mode = spec["completionMode"]
    if mode == "Indexed":
        _check_indexed(spec, errors)
    elif mode != "NonIndexed":
        errors.not_supported("spec.completionMode", mode, ("NonIndexed", "Indexed"))
    else:
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if name in spec:
                errors.invalid(f"spec.{name}", spec[name], "requires indexed completion mode")


def _check_indexed(spec: Object, errors: FieldErrors) -> None:
    completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
    if completions is None:
        errors.required("spec.completions", "when completion mode is Indexed")
    _check_at_most(spec, "parallelism", _MOST_INDEXES, " when completion mode is Indexed", errors)
    if completions is not None and failed is not None and failed > completions:
        errors.invalid("spec.maxFailedIndexes", failed, "must be less than or equal to completions")
    _check_at_most(spec, "maxFailedIndexes", _MOST_INDEXES, "", errors)
    if (completions or 0) > _HIGH_COMPLETIONS and "backoffLimitPerIndex" in spec:
        if failed is None:
            told = f"must be specified when completions is above {_HIGH_COMPLETIONS}"
            errors.required("spec.maxFailedIndexes", told)
        when = f" when completions are above {_HIGH_COMPLETIONS} and used with backoff limit per index"
        for name in ("parallelism", "maxFailedIndexes"):
            _check_at_most(spec, name, _MOST_INDEXES_OF_HIGH_COMPLETIONS, when, errors)


def _check_at_most(spec: Object, name: str, most: int, when: str, errors: FieldErrors) -> None:
    number = spec.get(name)
    if number is not None and number > most:
        errors.invalid(f"spec.{name}", number, f"must be less than or equal to {most}{when}")


def _check_pod_replacement_policy(spec: Object, errors: FieldErrors) -> None:
    supported = ("Failed",) if "podFailurePolicy" in spec else ("Failed", "TerminatingOrFailed")
    policy = spec["podReplacementPolicy"]
    if policy not in supported:
        errors.not_supported("spec.podReplacementPolicy", policy, supported)


def _check_template(template: Object, errors: FieldErrors) -> None:
    metadata: dict[str, Any] = template["metadata"]
    check_labels(metadata.get("labels"), "spec.template.labels", errors)
    check_annotations(metadata.get("annotations"), "spec.template.annotations", errors)
    check_pod_spec(template["spec"], "spec.template.spec", errors)
    if template["spec"].get("ephemeralContainers"):
        errors.forbidden(
            "spec.template.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"
        )


def _check_restart_policy(spec: Object, errors: FieldErrors) -> None:
    field, policy = "spec.template.spec.restartPolicy", spec["template"]["spec"]["restartPolicy"]
    if policy == "Always":
        errors.required(field, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        errors.not_supported(field, policy, ("OnFailure", "Never"))
    elif "podFailurePolicy" in spec and policy != "Never":
        errors.invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')
