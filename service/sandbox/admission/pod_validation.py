"""The rules for a pod's spec.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go
"""

from collections.abc import Sequence
from ipaddress import ip_address

from service.sandbox.admission import formats
from service.sandbox.admission.container_validation import (
    check_containers,
    check_host_network,
    check_init_containers,
)
from service.sandbox.admission.metadata_validation import check_labels
from service.sandbox.admission.security_validation import check_pod_security
from service.sandbox.admission.volume_validation import check_volumes
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
_TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_LAST = 2**31 - 1


def check_pod_spec(spec: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of a pod's spec."""
    volumes = check_volumes(spec.get("volumes", ()), f"{field}.volumes", errors)
    check_containers(spec, volumes, f"{field}.containers", errors)
    check_init_containers(spec, volumes, f"{field}.initContainers", errors)
    if spec.get("hostNetwork"):
        check_host_network(spec, f"{field}.containers", errors)
    if spec["restartPolicy"] not in _RESTART_POLICIES:
        errors.not_supported(f"{field}.restartPolicy", spec["restartPolicy"], _RESTART_POLICIES)
    if spec["dnsPolicy"] not in _DNS_POLICIES:
        errors.not_supported(f"{field}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES)
    check_labels(spec.get("nodeSelector"), f"{field}.nodeSelector", errors)
    check_pod_security(spec["securityContext"], f"{field}.securityContext", errors)
    _check_dns_config(spec, f"{field}.dnsConfig", errors)
    _check_names(spec, field, errors)
    for index, toleration in enumerate(spec.get("tolerations", ())):
        _check_toleration(toleration, f"{field}.tolerations[{index}]", errors)
    _check_host_aliases(spec.get("hostAliases", ()), f"{field}.hostAliases", errors)
    _check_subdomains(spec, ("priorityClassName", "runtimeClassName"), field, errors)
    if "preemptionPolicy" in spec:
        errors.one_of(f"{field}.preemptionPolicy", spec["preemptionPolicy"], _PREEMPTION_POLICIES)
    if "os" in spec:
        errors.one_of(f"{field}.os", spec["os"]["name"], ("linux", "windows"))


def _check_dns_config(spec: Object, field: str, errors: FieldErrors) -> None:
    config = spec.get("dnsConfig")
    if spec["dnsPolicy"] == "None":
        if config is None:
            errors.required(field, "must provide `dnsConfig` when `dnsPolicy` is None")
        elif not config.get("nameservers"):
            told = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            errors.required(f"{field}.nameservers", told)
    for index, address in enumerate((config or {}).get("nameservers", ())):
        _check_address(address, f"{field}.nameservers[{index}]", errors)


def _check_address(address: str, field: str, errors: FieldErrors) -> None:
    try:
        ip_address(address)
    except ValueError:
        errors.invalid(field, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")


def _check_subdomains(spec: Object, names: Sequence[str], field: str, errors: FieldErrors) -> None:
    for name in names:
        if name in spec:
            errors.invalid_each(f"{field}.{name}", spec[name], formats.dns_subdomain(spec[name]))


def _check_names(spec: Object, field: str, errors: FieldErrors) -> None:
    _check_subdomains(spec, ("serviceAccountName", "nodeName"), field, errors)
    deadline = spec.get("activeDeadlineSeconds", 1)
    if not 1 <= deadline <= _LAST:
        errors.invalid(f"{field}.activeDeadlineSeconds", deadline, formats.between(1, _LAST))
    for name in ("hostname", "subdomain"):
        if name in spec:
            errors.invalid_each(f"{field}.{name}", spec[name], formats.dns_label(spec[name]))


def _check_host_aliases(aliases: Sequence[Object], field: str, errors: FieldErrors) -> None:
    for index, alias in enumerate(aliases):
        _check_address(alias["ip"], f"{field}[{index}].ip", errors)
        for number, hostname in enumerate(alias.get("hostnames", ())):
            at = f"{field}[{index}].hostnames[{number}]"
            errors.invalid_each(at, hostname, formats.dns_subdomain(hostname))


def _check_toleration(toleration: Object, field: str, errors: FieldErrors) -> None:
    key, operator = toleration.get("key", ""), toleration.get("operator", "")
    effect, value = toleration.get("effect", ""), toleration.get("value", "")
    if key:
        errors.invalid_each(f"{field}.key", key, formats.qualified_name(key))
    elif operator != "Exists":
        told = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.invalid(f"{field}.operator", operator, told)
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        told = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.invalid(f"{field}.effect", effect, told)
    _check_toleration_value(operator, value, field, errors)
    if effect and effect not in _TAINT_EFFECTS:
        errors.not_supported(f"{field}.effect", effect, _TAINT_EFFECTS)


def _check_toleration_value(operator: str, value: str, field: str, errors: FieldErrors) -> None:
    if operator in ("", "Equal"):
        if problems := formats.label_value(value):
            errors.invalid(f"{field}.operator", value, ";".join(problems))
    elif operator != "Exists":
        compared = ("Lt", "Gt") if operator in ("Lt", "Gt") else ()
        errors.not_supported(f"{field}.operator", operator, ("Equal", "Exists", *compared))
    elif value:
        errors.invalid(f"{field}.operator", value, "value must be empty when `operator` is 'Exists'")
