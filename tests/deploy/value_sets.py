"""Values as people set them; each set renders something that the defaults do not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_MONITORED = {"enabled": True, "labels": {"release": "prometheus"}}

VALUE_SETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "default": {},
        "namespaces": {"rbac": {"namespaces": ["a", "b"]}},
        "passthrough": {"settings": {"authMode": "passthrough"}},
        "passthrough, cache": {"settings": {"authMode": "passthrough", "cache": True}},
        "passthrough, cache, namespaces": {
            "settings": {"authMode": "passthrough", "cache": True},
            "rbac": {"namespaces": ["a", "b"]},
        },
        "none": {"settings": {"authMode": "none", "allowUnauthenticated": True}},
        "sandbox": {"settings": {"authMode": "none", "allowUnauthenticated": True, "sandbox": True}},
        "own account": {
            "rbac": {"create": False},
            "serviceAccount": {"create": False, "name": "mine"},
            "callerRoles": {"create": False},
        },
        "autoscaled": {
            "autoscaling": {
                "enabled": True,
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}},
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
                    }
                ],
            }
        },
        "single": {"replicas": 1, "preStopSleepSeconds": 0, "topologySpreadConstraints": None},
        "network": {
            "tls": {"secretName": "job-api-tls"},
            "service": {"type": "NodePort", "nodePort": 30443, "labels": {"a": "b"}, "annotations": {"c": "d"}},
            "ingress": {
                "enabled": True,
                "className": "nginx",
                "annotations": {"nginx.ingress.kubernetes.io/proxy-buffering": "off"},
                "hosts": [{"host": "jobs.example.org", "paths": [{"path": "/"}]}],
                "tls": [{"secretName": "jobs-tls", "hosts": ["jobs.example.org"]}],
            },
            "networkPolicy": {
                "enabled": True,
                "from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}],
                "extraIngress": [{"from": [{"podSelector": {}}]}],
                "egress": [{"ports": [{"port": 443}]}],
            },
        },
        "open network": {"networkPolicy": {"enabled": True}},
        "monitored": {
            "serviceMonitor": {
                **_MONITORED,
                "relabelings": [{"action": "labeldrop", "regex": "pod"}],
                "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}],
            },
            "dashboard": {"enabled": True, "annotations": {"grafana_folder": "Jobs"}},
            "prometheusRule": {
                **_MONITORED,
                "rules": [
                    {"alert": "Own", "expr": 'up{job="job-api"} == 0', "for": "5m", "labels": {"severity": "page"}}
                ],
            },
        },
        "monitored with TLS": {"tls": {"secretName": "job-api-tls"}, "serviceMonitor": _MONITORED},
        "everything else": {
            "nameOverride": "jobs",
            "fullnameOverride": "team-jobs",
            "commonLabels": {"team": "a"},
            "commonAnnotations": {"team": "a"},
            "extraArgs": ["--log-level=debug"],
            "extraEnv": [{"name": "TZ", "value": "UTC"}],
            "extraVolumes": [{"name": "more", "emptyDir": {}}],
            "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
            "image": {
                "registry": "registry.example.org",
                "repository": "team/job-api",
                "digest": "sha256:" + "0" * 64,
            },
            "imagePullSecrets": [{"name": "registry"}],
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "only", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            "podAnnotations": {"a": "b"},
            "podLabels": {"a": "b"},
            "terminationGracePeriodSeconds": 60,
            "serviceAccount": {"annotations": {"a": "b"}},
            "callerRoles": {"viewLabels": {"rbac.authorization.kubernetes.io/aggregate-to-view": "true"}},
            "livenessProbe": {"httpGet": {"path": "/healthz"}},
        },
    }
)
