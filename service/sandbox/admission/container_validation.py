"""The rules for containers.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go
"""

from collections.abc import Sequence, Set

from service.sandbox.admission import formats
from service.sandbox.admission.env_validation import check_environment
from service.sandbox.admission.resource_validation import check_resources
from service.sandbox.admission.security_validation import check_container_security
from service.sandbox.field_errors import FieldErrors
from service.sandbox.store import Object

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")


def check_containers(pod: Object, volumes: Set[str], field: str, errors: FieldErrors) -> None:
    """Add the errors of a pod's containers.

    Args:
        pod: the pod's spec.
        volumes: the names of its valid volumes.
        field: where its containers are.
        errors: what to add to.
    """
    containers, names = pod.get("containers") or [], set[str]()
    if not containers:
        errors.required(field)
    for index, container in enumerate(containers):
        at = f"{field}[{index}]"
        _check_container(container, pod, volumes, at, errors)
        if container["name"] in names:
            errors.duplicate(f"{at}.name", container["name"])
        names.add(container["name"])
        _check_lifecycle_and_probes(container, at, errors)
        _check_restart_policy(container, at, errors)
    _check_host_ports(containers, field, errors)


def check_init_containers(pod: Object, volumes: Set[str], field: str, errors: FieldErrors) -> None:
    """Add the errors of a pod's init containers; for the arguments see `check_containers`."""
    names = {container["name"] for container in pod.get("containers") or ()}
    for index, container in enumerate(pod.get("initContainers") or ()):
        at = f"{field}[{index}]"
        _check_container(container, pod, volumes, at, errors)
        _check_restart_policy(container, at, errors)
        if container["name"] in names:
            errors.duplicate(f"{at}.name", container["name"])
        elif container["name"]:
            names.add(container["name"])
        _check_host_ports([container], field, errors)
        if container.get("restartPolicy") == "Always":
            _check_lifecycle_and_probes(container, at, errors)
            continue
        for name in ("lifecycle", *_PROBES):
            if name in container:
                told = "may not be set for init containers without restartPolicy=Always"
                errors.forbidden(f"{at}.{name}", told)


def _check_container(container: Object, pod: Object, volumes: Set[str], field: str, errors: FieldErrors) -> None:
    if container["name"]:
        errors.invalid_each(f"{field}.name", container["name"], formats.dns_label(container["name"]))
    else:
        errors.required(f"{field}.name")
    if not container.get("image"):
        errors.required(f"{field}.image")
    policy = container["terminationMessagePolicy"]
    if policy not in _MESSAGE_POLICIES:
        errors.not_supported(f"{field}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    _check_ports(container.get("ports", ()), f"{field}.ports", errors)
    check_environment(container, field, errors)
    _check_mounts(container.get("volumeMounts", ()), volumes, f"{field}.volumeMounts", errors)
    if container["imagePullPolicy"] not in _PULL_POLICIES:
        errors.not_supported(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    check_resources(container["resources"], f"{field}.resources", errors)
    _check_resize_policy(container, pod, f"{field}.resizePolicy", errors)
    check_container_security(container.get("securityContext", {}), f"{field}.securityContext", errors)


def _check_ports(ports: Sequence[Object], field: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        at, name = f"{field}[{index}]", port.get("name", "")
        if name:
            problems = formats.port_name(name)
            errors.invalid_each(f"{at}.name", name, problems)
            if not problems and name in names:
                errors.duplicate(f"{at}.name", name)
            names.update(() if problems else (name,))
        number = port["containerPort"]
        if number:
            errors.invalid_each(f"{at}.containerPort", number, formats.port_number(number))
        else:
            errors.required(f"{at}.containerPort")
        if "hostPort" in port:
            errors.invalid_each(f"{at}.hostPort", port["hostPort"], formats.port_number(port["hostPort"]))
        if port["protocol"] not in _PROTOCOLS:
            errors.not_supported(f"{at}.protocol", port["protocol"], _PROTOCOLS)


def _check_resize_policy(container: Object, pod: Object, field: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, rule in enumerate(container.get("resizePolicy", ())):
        name, policy = rule["resourceName"], rule["restartPolicy"]
        if name in names:
            errors.duplicate(f"{field}[{index}]", name)
        names.add(name)
        errors.one_of(field, name, ("cpu", "memory"))
        errors.one_of(field, policy, ("NotRequired", "RestartContainer"))
        if pod["restartPolicy"] == "Never" and policy != "NotRequired":
            errors.invalid(field, policy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")


def _check_mounts(mounts: Sequence[Object], volumes: Set[str], field: str, errors: FieldErrors) -> None:
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        at = f"{field}[{index}]"
        if not mount["name"]:
            errors.required(f"{at}.name")
        if mount["name"] not in volumes:
            errors.not_found(f"{at}.name", mount["name"])
        if not mount["mountPath"]:
            errors.required(f"{at}.mountPath")
        if mount["mountPath"] in paths:
            errors.invalid(f"{at}.mountPath", mount["mountPath"], "must be unique")
        paths.add(mount["mountPath"])
        if "subPath" in mount and "subPathExpr" in mount:
            told = "subPathExpr and subPath are mutually exclusive"
            errors.invalid(f"{at}.subPathExpr", mount["subPathExpr"], told)
        for name in ("subPath", "subPathExpr"):
            _check_sub_path(mount.get(name, ""), f"{field}.{name}", errors)
        _check_propagation(mount, field, errors)


def _check_propagation(mount: Object, field: str, errors: FieldErrors) -> None:
    propagation, recursive = mount.get("mountPropagation", "None"), mount.get("recursiveReadOnly", "Disabled")
    if propagation not in _PROPAGATIONS:
        errors.not_supported(f"{field}.mountPropagation", propagation, _PROPAGATIONS)
    if recursive not in _RECURSIVE:
        errors.not_supported(f"{field}.recursiveReadOnly", recursive, _RECURSIVE)
    elif recursive != "Disabled":
        if not mount.get("readOnly"):
            errors.forbidden(f"{field}.recursiveReadOnly", "may only be specified when readOnly is true")
        if propagation != "None":
            told = "may only be specified when mountPropagation is None or not specified"
            errors.forbidden(f"{field}.recursiveReadOnly", told)


def _check_sub_path(path: str, field: str, errors: FieldErrors) -> None:
    if path.startswith("/"):
        errors.invalid(field, path, "must be a relative path")
    if ".." in path.split("/"):
        errors.invalid(field, path, "must not contain '..'")


def _check_lifecycle_and_probes(container: Object, field: str, errors: FieldErrors) -> None:
    for name in ("postStart", "preStop"):
        if name in container.get("lifecycle", {}):
            _check_handler(container["lifecycle"][name], f"{field}.lifecycle.{name}", errors)
    for name in _PROBES:
        if name in container:
            _check_probe(name, container[name], f"{field}.{name}", errors)


def _check_probe(kind: str, probe: Object, field: str, errors: FieldErrors) -> None:
    _check_handler(probe, field, errors)
    for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        errors.not_negative(f"{field}.{name}", probe.get(name))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        errors.invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0")
    if kind == "readinessProbe":
        if grace is not None:
            told = "must not be set for readinessProbes"
            errors.invalid(f"{field}.terminationGracePeriodSeconds", grace, told)
    elif probe["successThreshold"] != 1:
        errors.invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1")


def _check_handler(handler: Object, field: str, errors: FieldErrors) -> None:
    given = [name for name in ("exec", "httpGet", "tcpSocket", "grpc", "sleep") if name in handler]
    if given:
        _check_action(given[0], handler[given[0]], f"{field}.{given[0]}", errors)
    else:
        errors.required(field, "must specify a handler type")
    for name in given[1:]:
        errors.forbidden(f"{field}.{name}", "may not specify more than 1 handler type")


def _check_action(kind: str, action: Object, field: str, errors: FieldErrors) -> None:
    if kind == "exec" and not action.get("command"):
        errors.required(f"{field}.command")
    if "port" in action:
        port = action["port"]
        problems = formats.port_name(port) if isinstance(port, str) else formats.port_number(port)
        errors.invalid_each(f"{field}.port", port, problems)
    if kind == "httpGet" and action["scheme"] not in ("HTTP", "HTTPS"):
        errors.not_supported(f"{field}.scheme", action["scheme"], ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders", ()):
        errors.invalid_each(f"{field}.httpHeaders", header["name"], formats.http_header_name(header["name"]))


def _check_restart_policy(container: Object, field: str, errors: FieldErrors) -> None:
    policy = container.get("restartPolicy")
    if policy is None:
        if container.get("restartPolicyRules"):
            errors.required(f"{field}.restartPolicy", "must specify restartPolicy when restart rules are used")
    elif policy not in _RESTART_POLICIES:
        errors.not_supported(f"{field}.restartPolicy", policy, _RESTART_POLICIES)


def _check_host_ports(containers: Sequence[Object], field: str, errors: FieldErrors) -> None:
    taken: set[str] = set()
    for number, container in enumerate(containers):
        for index, port in enumerate(container.get("ports", ())):
            if "hostPort" in port:
                what = f"{port['protocol']}/{port.get('hostIP', '')}/{port['hostPort']}"
                if what in taken:
                    errors.duplicate(f"{field}[{number}].ports[{index}].hostPort", what)
                taken.add(what)


def check_host_network(pod: Object, field: str, errors: FieldErrors) -> None:
    """Add the errors of ports in a pod that has the host's network."""
    for number, container in enumerate(pod.get("containers") or ()):
        for index, port in enumerate(container.get("ports", ())):
            if port.get("hostPort", port["containerPort"]) != port["containerPort"]:
                told = "must match `containerPort` when `hostNetwork` is true"
                errors.invalid(f"{field}[{number}].ports[{index}].hostPort", port["hostPort"], told)
