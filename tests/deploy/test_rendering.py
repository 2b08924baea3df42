"""What helm makes of the chart, and what it refuses."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
import yaml

from service.setting_values import Address
from service.settings import Settings, flag_of, read_settings

from .helm import Helm, HelmError, of_kind
from .paths import CHART
from .settings_schema import value_name
from .value_sets import VALUE_SETS

pytestmark = pytest.mark.deploy

IN_A_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
TOGETHER = {"sandbox", "allow_unauthenticated"}
SAMPLES: dict[Any, Any] = {
    bool: True,
    int: 100_000,
    float: 0.5,
    str: "some",
    Address: "[::]:9090",
    tuple[str, ...]: ["a", "b"],
}
REFUSED: list[tuple[Mapping[str, Any], str]] = [
    ({"replica": 3}, "additional properties 'replica' not allowed"),
    ({"settings": {"maxStream": 1}}, "'/settings': additional properties 'maxStream' not allowed"),
    ({"settings": {"max_streams": 1}}, "additional properties 'max_streams' not allowed"),
    ({"settings": {"maxStreams": "many"}}, "'/settings/maxStreams': got string, want integer"),
    ({"settings": {"maxStreams": 0}}, "'/settings/maxStreams': minimum: got 0, want 1"),
    ({"settings": {"authMode": "open"}}, "'/settings/authMode': value must be one of 'delegated', 'passthrough'"),
    ({"settings": {"listen": "0.0.0.0:0"}}, "'/settings/listen': '0.0.0.0:0' does not match pattern"),
    ({"settings": {"shutdownGraceSeconds": None}}, "'/settings': missing property 'shutdownGraceSeconds'"),
    ({"settings": {"authMode": "none"}}, "or set settings.allowUnauthenticated to true as well"),
    ({"settings": {"allowUnauthenticated": True}}, "settings.allowUnauthenticated: it has no effect"),
    ({"settings": {"authMode": "passthrough", "tokenAudience": "a"}}, "settings.tokenAudience: it has no effect"),
    ({"settings": {"sandbox": True}}, "settings.sandbox: the sandbox cannot tell callers apart"),
    ({"settings": {"namespaces": ["c"]}, "rbac": {"namespaces": ["a"]}}, "c is none of rbac.namespaces"),
    ({"rbac": {"namespaces": ["A"]}}, "'/rbac/namespaces/0': 'A' does not match pattern"),
    ({"image": {"digest": "abc"}}, "'/image/digest': 'abc' does not match pattern"),
    ({"livenessProbe": {"exec": {"command": ["true"]}}}, "'/livenessProbe': additional properties 'exec'"),
    ({"ingress": {"enabled": True}}, "ingress.hosts: an Ingress takes at least one host"),
    ({"autoscaling": {"enabled": True, "minReplicas": 9}}, "autoscaling.minReplicas: it is more than"),
]


def pod_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = of_kind(objects, "Deployment")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def arguments_of(objects: list[dict[str, Any]]) -> list[str]:
    arguments: list[str] = pod_of(objects)["containers"][0]["args"]
    return arguments


def kinds_of(objects: list[dict[str, Any]]) -> set[str]:
    return {each["kind"] for each in objects}


@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)
def test_each_set_of_values_passes_the_lint_and_names_no_object_twice(
    helm: Helm, values: Mapping[str, Any]
) -> None:
    helm("lint", "--strict", str(CHART), values=values)
    objects = helm.rendered(values)
    places = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert len(places) == len(set(places))


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_a_value_that_cannot_be_is_refused_with_its_name(
    helm: Helm, values: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(HelmError) as refused:
        helm.rendered(values)
    assert message in str(refused.value)


def test_the_service_takes_what_the_chart_gives_it(helm: Helm) -> None:
    serves_tls = any(each.name == "tls_cert_file" for each in fields(Settings))
    for values in VALUE_SETS.values():
        if serves_tls or "tls" not in values:
            read_settings(arguments_of(helm.rendered(values)), IN_A_POD)
    settings = read_settings(arguments_of(helm.rendered(VALUE_SETS["namespaces"])), IN_A_POD)
    assert settings.auth_mode == "delegated"
    assert settings.namespaces == ("a", "b")
    assert not settings.listen.is_loopback


def test_the_charts_own_settings_are_the_services_defaults_but_for_where_it_listens(helm: Helm) -> None:
    given = read_settings([*arguments_of(helm.rendered()), "--listen=127.0.0.1:8080"], IN_A_POD)
    assert given == read_settings([], IN_A_POD)


def test_every_setting_becomes_its_flag(helm: Helm) -> None:
    hints = get_type_hints(Settings)
    samples = {
        each.name: "none" if each.name == "auth_mode" else sample
        for each in fields(Settings)
        for kind, sample in SAMPLES.items()
        if hints[each.name] in (kind, kind | None)
    }
    samples |= {"log_format": "console", "log_level": "debug", "review_seconds": 1e-1}
    apart = {name: sample for name, sample in samples.items() if name != "token_audience"}
    together = {"auth_mode": "delegated", "token_audience": "some"}
    given = []
    for chosen in (apart, together):
        values = {"settings": {value_name(name): sample for name, sample in chosen.items()}}
        given += arguments_of(helm.rendered(values))
    for each in fields(Settings):
        text = next(one.partition("=")[2] for one in given if one.startswith(f"{flag_of(each.name)}="))
        each.metadata["parse"](text)
        if each.name not in together:
            expected = samples[each.name]
            assert text == (",".join(expected) if isinstance(expected, list) else str(expected)).replace(
                "True", "true"
            )


def test_a_million_is_written_as_one(helm: Helm) -> None:
    assert "--max-streams=1000000" in arguments_of(helm.rendered({"settings": {"maxStreams": 1_000_000}}))


def test_a_pod_is_killed_only_after_everything_could_end(helm: Helm) -> None:
    pod = pod_of(helm.rendered({"settings": {"shutdownDrainSeconds": 30.5}, "preStopSleepSeconds": 7}))
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert pod["terminationGracePeriodSeconds"] == 7 + 5 + 31 + 5


def test_the_token_is_the_volumes_and_service_links_are_off(helm: Helm) -> None:
    objects = helm.rendered()
    pod = pod_of(objects)
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    (account,) = of_kind(objects, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    (projected,) = [each["projected"] for each in pod["volumes"]]
    assert [next(iter(source)) for source in projected["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]
    assert projected["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3600


def test_the_token_that_the_test_shows_is_for_the_audience_of_callers(helm: Helm) -> None:
    objects = helm.rendered({"settings": {"tokenAudience": "jobs"}})
    (test,) = of_kind(objects, "Pod")
    own, shown = pod_of(objects)["volumes"][0], test["spec"]["volumes"][0]
    assert "audience" not in own["projected"]["sources"][0]["serviceAccountToken"]
    assert shown["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "jobs"


def test_no_volume_is_mounted_in_part_for_it_would_never_change(helm: Helm) -> None:
    pod = pod_of(helm.rendered(VALUE_SETS["network"]))
    mounts = pod["containers"][0]["volumeMounts"]
    assert {each["name"] for each in mounts} == {"service-account", "tls"}
    assert not [each for each in mounts if "subPath" in each]


def test_with_tls_everything_that_asks_asks_with_https(helm: Helm) -> None:
    objects = helm.rendered({**VALUE_SETS["network"], "serviceMonitor": {"enabled": True}})
    (container,) = pod_of(objects)["containers"]
    assert {container[f"{probe}Probe"]["httpGet"]["scheme"] for probe in ("startup", "liveness", "readiness")} == {
        "HTTPS"
    }
    (service,), (monitor,) = of_kind(objects, "Service"), of_kind(objects, "ServiceMonitor")
    assert (service["spec"]["ports"][0]["name"], service["spec"]["ports"][0]["port"]) == ("https", 443)
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["scheme"]) == ("https", "https")
    assert endpoint["tlsConfig"]["serverName"] == "job-api.job-api.svc"
    (test,) = of_kind(objects, "Pod")
    (secret,) = [each["secret"] for each in test["spec"]["volumes"] if "secret" in each]
    assert [item["key"] for item in secret["items"]] == ["tls.crt"]


def test_a_budget_is_made_only_where_a_pod_may_be_missing(helm: Helm) -> None:
    def has_budget(values: Mapping[str, Any]) -> bool:
        return "PodDisruptionBudget" in kinds_of(helm.rendered(values))

    assert has_budget({})
    assert has_budget({"replicas": 1, "autoscaling": {"enabled": True}})
    assert not has_budget({"replicas": 1})
    assert not has_budget({"autoscaling": {"enabled": True, "minReplicas": 1}})


def test_an_autoscaler_decides_alone_how_many_pods_there_are(helm: Helm) -> None:
    objects = helm.rendered(VALUE_SETS["autoscaled"])
    (deployment,) = of_kind(objects, "Deployment")
    assert "replicas" not in deployment["spec"]
    assert "HorizontalPodAutoscaler" in kinds_of(objects)


def test_pods_are_spread_among_each_other_unless_told_among_whom(helm: Helm) -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    others = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    objects = helm.rendered({"topologySpreadConstraints": [spread, {**spread, "labelSelector": others}]})
    among = [each["labelSelector"] for each in pod_of(objects)["topologySpreadConstraints"]]
    (service,) = of_kind(objects, "Service")
    assert among == [{"matchLabels": service["spec"]["selector"]}, others]


def test_what_is_packaged_renders_the_same(helm: Helm) -> None:
    helm("package", str(CHART), f"--destination={helm.home}")
    (package,) = helm.home.glob("job-api-*.tgz")
    values = VALUE_SETS["monitored"]
    printed = helm("template", "job-api", str(package), "--namespace=job-api", values=values)
    assert [each for each in yaml.safe_load_all(printed) if each] == helm.rendered(values)


def test_the_service_leads_to_no_pod_of_the_test(helm: Helm) -> None:
    objects = helm.rendered()
    (service,), (test,) = of_kind(objects, "Service"), of_kind(objects, "Pod")
    labels = test["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= labels.items()


def test_review_rights_come_with_delegated_alone(helm: Helm) -> None:
    for name, values in VALUE_SETS.items():
        roles = {each["roleRef"]["name"] for each in of_kind(helm.rendered(values), "ClusterRoleBinding")}
        mode = values.get("settings", {}).get("authMode", "delegated")
        own = values.get("rbac", {}).get("create", True)
        assert ("system:auth-delegator" in roles) == (mode == "delegated" and own), name
