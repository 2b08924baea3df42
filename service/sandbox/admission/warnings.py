"""What the apiserver warns of in a Job that it accepts, as far as many have it.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/api/pod/warnings.go and pkg/api/job/warnings.go
"""

from collections.abc import Iterator, Sequence

from service.sandbox.admission import formats
from service.sandbox.admission.quantity import Quantity
from service.sandbox.store import Object

_POD = "spec.template.spec"


def warnings_of(job: Object) -> Iterator[str]:
    """Yield the warnings of a valid Job."""
    if problems := formats.dns_label(job["metadata"]["name"]):
        yield (
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
            f"a DNS label is recommended: [{' '.join(problems)}]"
        )
    pod = job["spec"]["template"]["spec"]
    containers = [
        (f"{_POD}.{kind}[{index}]", container)
        for kind in ("initContainers", "containers")
        for index, container in enumerate(pod.get(kind) or ())
    ]
    for field, container in containers:
        yield from _fractions(f"{field}.resources", container["resources"])
        yield from _environment(f"{field}.env", container.get("env", ()))
    ports = [
        (f"{field}.ports[{index}]", port)
        for field, container in containers
        for index, port in enumerate(container.get("ports", ()))
    ]
    yield from _ports(ports)
    yield from _port_names(ports)
    yield from _secrets(f"{_POD}.imagePullSecrets", pod.get("imagePullSecrets", ()))
    if pod["terminationGracePeriodSeconds"] < 0:
        field = f"{_POD}.terminationGracePeriodSeconds"
        yield f"{field}: must be >= 0; negative values are invalid and will be treated as 1"


def _secrets(field: str, secrets: Sequence[Object]) -> Iterator[str]:
    names: set[str] = set()
    for index, secret in enumerate(secrets):
        name = secret.get("name", "")
        if name in names:
            yield f'{field}[{index}].name: duplicate name "{name}"'
        elif not name:
            yield f'{field}[{index}].name: invalid empty name ""'
        names.add(name)


def _fractions(field: str, resources: Object) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        for kind in ("limits", "requests"):
            amount = resources.get(kind, {}).get(name, "0")
            if Quantity.parse(amount).value % 1:
                yield f'{field}.{kind}[{name}]: fractional byte value "{amount}" is invalid, must be an integer'


def _environment(field: str, variables: Sequence[Object]) -> Iterator[str]:
    earlier: set[str] = set()
    for index, variable in enumerate(variables):
        name, value, itself = variable["name"], variable.get("value", ""), f"$({variable['name']})"
        # A variable may be built from its earlier self.
        if name in earlier and ("valueFrom" in variable or value == itself or itself not in value):
            hidden = f'hides previous definition of "{name}"'
            yield f"{field}[{index}]: {hidden}, which may be dropped when using apply"
        earlier.add(name)


def _ports(ports: Sequence[tuple[str, Object]]) -> Iterator[str]:
    earlier: dict[tuple[int, str], list[tuple[str, Object]]] = {}
    for field, port in ports:
        others = earlier.setdefault((port["containerPort"], port["protocol"]), [])
        for other, known in others:
            if _host(port) == _host(known):
                yield f"{field}: duplicate port definition with {other}"
            elif "hostPort" not in port or "hostPort" not in known:
                yield f"{field}: overlapping port definition with {other}"
            elif port["hostPort"] == known["hostPort"] and ("hostIP" in port) != ("hostIP" in known):
                yield f"{field}: dangerously ambiguous port definition with {other}"
        others.append((field, port))


def _host(port: Object) -> tuple[str | None, int | None]:
    return port.get("hostIP"), port.get("hostPort")


def _port_names(ports: Sequence[tuple[str, Object]]) -> Iterator[str]:
    earlier: dict[str, str] = {}
    for field, port in ports:
        name = port.get("name", "")
        if name in earlier:
            other = earlier[name]
            told = f"services and probes that select ports by name will use {other}"
            yield f'{field}: duplicate port name "{name}" with {other}, {told}'
        elif name:
            earlier[name] = field
