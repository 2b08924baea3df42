"""Manifests, good and bad, that the sandbox and a real apiserver have to judge alike."""

import json
from copy import deepcopy
from typing import Any, NamedTuple

from service.sandbox.admission.admit import FieldValidation


class Case(NamedTuple):
    """One POST."""

    body: bytes
    field_validation: FieldValidation = "Strict"


_JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "one"},
    "spec": {
        "template": {"spec": {"containers": [{"name": "main", "image": "busybox"}], "restartPolicy": "Never"}}
    },
}
_ABSENT = object()

_YAML = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: one
spec:
  template:
    spec:
      containers:
        - name: main
          image: busybox
      restartPolicy: Never
"""


def _job(fields: dict[str, Any]) -> Case:
    """Return a Job with some fields changed; `~` stands for the pod's spec, `@` for its container."""
    job = deepcopy(_JOB)
    for path, value in fields.items():
        *parents, last = path.replace("@", "~.containers.0").replace("~", "spec.template.spec").split(".")
        place: Any = job
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
        if value is _ABSENT:
            del place[last]
        else:
            place[last] = value
    return Case(json.dumps(job).encode())


def _yaml(
    addition: str = "", *, replace: tuple[str, str] = ("", ""), field_validation: FieldValidation = "Strict"
) -> Case:
    text = _YAML.replace(*replace) if replace[0] else _YAML
    return Case((text + addition).encode(), field_validation)


_INDEXED = {"spec.completionMode": "Indexed", "spec.completions": 3}
_VOLUME = {"~.volumes": [{"name": "v"}]}
_EXIT_CODES = {"operator": "In", "values": [1]}


def _rule(**fields: Any) -> dict[str, Any]:
    return {"spec.podFailurePolicy": {"rules": [{"action": "FailJob", **fields}]}}


_CHANGED: dict[str, dict[str, Any]] = {
    # What is accepted, and what becomes of it.
    "the least": {},
    "parallelism without completions": {"spec.parallelism": 3},
    "completions without parallelism": {"spec.completions": 3},
    "zeros": {
        "spec.parallelism": 0,
        "spec.completions": 0,
        "spec.backoffLimit": 0,
        "spec.ttlSecondsAfterFinished": 0,
    },
    "nulls": {
        "metadata.creationTimestamp": None,
        "metadata.labels": None,
        "spec.parallelism": None,
        "spec.template.metadata": {"creationTimestamp": None},
        "~.volumes": None,
        "@.resources": None,
        "@.env": None,
        "status": None,
    },
    "empty lists and maps": {
        "metadata.labels": {},
        "metadata.annotations": {},
        "spec.template.metadata": {"labels": {}},
        "~.nodeSelector": {},
        "~.tolerations": [],
        "@.command": [],
        "@.ports": [],
        "@.resources": {"limits": {}, "requests": {}},
        "@.securityContext": {},
    },
    "false and empty strings": {
        "~.hostNetwork": False,
        "~.automountServiceAccountToken": False,
        "~.hostname": "",
        "@.tty": False,
        "@.stdin": True,
        "@.workingDir": "",
        "@.env": [{"name": "A", "value": ""}],
    },
    "indexed with limits per index": {**_INDEXED, "spec.backoffLimitPerIndex": 1, "spec.maxFailedIndexes": 2},
    "indexed with a success policy": {
        **_INDEXED,
        "spec.successPolicy": {"rules": [{"succeededIndexes": "0-1", "succeededCount": 1}]},
    },
    "a pod failure policy": {
        "spec.podFailurePolicy": {
            "rules": [
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": "main", "operator": "In", "values": [1, 42]},
                },
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
            ]
        }
    },
    "suspended with deadlines": {
        "spec.suspend": True,
        "spec.activeDeadlineSeconds": 100,
        "~.activeDeadlineSeconds": 50,
        "~.terminationGracePeriodSeconds": 0,
    },
    "managed by another": {"spec.managedBy": "example.com/controller"},
    "labels and annotations": {
        "metadata.labels": {"b": "2", "app.kubernetes.io/name": "a"},
        "metadata.annotations": {"Example.com/Key": "any text\n", "a": ""},
    },
    "labels of the template only": {"spec.template.metadata": {"labels": {"app": "a"}, "annotations": {"a": "b"}}},
    "labels of both": {"metadata.labels": {"a": "1"}, "spec.template.metadata": {"labels": {"app": "a"}}},
    "finalizers and owners": {
        "metadata.finalizers": ["example.com/b", "example.com/a"],
        "metadata.ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}],
    },
    "what only the system sets": {
        "metadata.uid": "mine",
        "metadata.generation": 7,
        "metadata.selfLink": "/",
        "metadata.creationTimestamp": "2020-01-01T00:00:00Z",
        "metadata.deletionTimestamp": "2020-01-01T00:00:00Z",
        "metadata.deletionGracePeriodSeconds": 3,
        "status": {"active": 3},
    },
    "a generated name": {"metadata": {"generateName": "made-"}},
    "a long generated name": {"metadata": {"generateName": "a" * 70}},
    "a name and a generateName": {"metadata": {"name": "one", "generateName": "made-"}},
    "a name with dots": {"metadata.name": "one.two"},
    "a long name": {"metadata.name": "a" * 64},
    "its own namespace": {"metadata.namespace": "default"},
    "a manual selector": {
        "spec.manualSelector": True,
        "spec.selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
        "spec.template.metadata": {"labels": {"a": "b"}},
    },
    "an empty manual selector": {"spec.manualSelector": True, "spec.selector": {}},
    "images": {
        "~.initContainers": [
            {"name": "a", "image": "busybox:latest"},
            {"name": "b", "image": "busybox:1.36"},
            {"name": "c", "image": "registry.example:5000/busybox"},
            {"name": "d", "image": "busybox@sha256:" + "a" * 64},
            {"name": "e", "image": "busybox:latest@sha256:" + "a" * 64},
            {"name": "f", "image": "Not/A/Name"},
            {"name": "g", "image": "busybox", "imagePullPolicy": "Never"},
        ]
    },
    "an environment": {
        "@.env": [
            {"name": "A", "value": "1"},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "KEY2", "valueFrom": {"configMapKeyRef": {"name": "s", "key": "k", "optional": False}}},
        ],
        "@.envFrom": [{"configMapRef": {"name": "a"}}, {"prefix": "P_", "secretRef": {"name": "b"}}],
        "@.args": ["a"],
    },
    "environment variables twice": {
        "@.env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "A", "value": "$(A)3"}]
    },
    "resources": {
        "@.resources": {
            "limits": {"cpu": "1000m", "memory": "1024Mi", "example.com/gpu": 1, "ephemeral-storage": "1.5Gi"},
            "requests": {"cpu": 0.1, "memory": "1e3", "ephemeral-storage": "0.5Gi"},
        }
    },
    "odd quantities": {
        "@.resources": {
            "limits": {"cpu": "0.0001", "memory": "1500000"},
            "requests": {"cpu": "0", "memory": "12E2"},
        },
        "~.volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1000Ki", "medium": "Memory"}}],
    },
    "a fraction of a byte": {"@.resources": {"limits": {"memory": "100m"}}},
    "volumes": {
        "~.volumes": [
            {"name": "a"},
            {"name": "b", "emptyDir": {}},
            {"name": "c", "configMap": {"name": "x", "items": [{"key": "k", "path": "p"}]}},
            {"name": "d", "secret": {"secretName": "x", "defaultMode": 0o400}},
            {"name": "e", "hostPath": {"path": "/x"}},
            {"name": "f", "persistentVolumeClaim": {"claimName": "x"}},
            {"name": "g", "downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {
                "name": "h",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "t"}},
                        {"configMap": {"name": "x", "optional": True}},
                    ]
                },
            },
            {"name": "i", "nfs": {"server": "s", "path": "/p"}},
            {"name": "j", "csi": {"driver": "d.example.com"}},
            {"name": "k", "image": {"reference": "busybox"}},
            {
                "name": "l",
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
                    }
                },
            },
        ],
        "@.volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b", "subPath": "s"}],
    },
    "ports": {"@.ports": [{"containerPort": 80}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]},
    "ports twice": {
        "@.ports": [
            {"containerPort": 80, "name": "a"},
            {"containerPort": 80, "name": "b"},
            {"containerPort": 80, "hostPort": 80},
        ]
    },
    "probes and hooks": {
        "@.livenessProbe": {"httpGet": {"port": 80}},
        "@.readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 0},
        "@.startupProbe": {"exec": {"command": ["true"]}, "failureThreshold": 30},
        "@.lifecycle": {"preStop": {"httpGet": {"port": "http", "path": "/x", "scheme": "HTTPS"}}},
    },
    "a gRPC probe": {"@.livenessProbe": {"grpc": {"port": 80}}},
    "a sidecar": {
        "~.initContainers": [
            {"name": "side", "image": "a:1", "restartPolicy": "Always", "startupProbe": {"grpc": {"port": 1}}}
        ]
    },
    "scheduling": {
        "~.nodeSelector": {"kubernetes.io/os": "linux"},
        "~.tolerations": [{"key": "a", "operator": "Exists"}, {"operator": "Exists", "effect": "NoExecute"}],
        "~.affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
                }
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "podAffinityTerm": {"topologyKey": "t", "labelSelector": {"matchLabels": {"a": "b"}}},
                    }
                ]
            },
        },
        "~.topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "t",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"a": "b"}},
            }
        ],
        "~.priorityClassName": "high",
        "~.schedulerName": "mine",
    },
    "an account and secrets": {
        "~.serviceAccount": "old",
        "~.imagePullSecrets": [{"name": "a"}, {"name": "b"}],
        "~.hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
    },
    "both names of the account": {"~.serviceAccount": "old", "~.serviceAccountName": "new"},
    "security": {
        "~.securityContext": {"runAsUser": 0, "fsGroup": 1000, "supplementalGroups": [1], "runAsNonRoot": False},
        "@.securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    },
    "DNS": {
        "~.dnsPolicy": "None",
        "~.dnsConfig": {"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "1"}]},
        "~.subdomain": "sub",
        "~.enableServiceLinks": False,
    },
    "the same labels for both": {
        "metadata.labels": {"app": "a"},
        "spec.template.metadata": {"labels": {"app": "a"}},
    },
    "nulls in lists and maps": {
        "metadata.labels": {"a": None},
        "@.command": [None, "a"],
        "@.resources": {"limits": {"cpu": None}},
        "@.env": [{"name": "A", "value": None, "valueFrom": None}],
    },
    "managed fields of an earlier life": {
        "metadata.managedFields": [{"manager": "a", "operation": "Update", "apiVersion": "batch/v1"}]
    },
    "the host's network": {"~.hostNetwork": True, "@.ports": [{"containerPort": 80}]},
    "an order of its own": {
        "~.initContainers": [{"image": "b:1", "name": "b"}, {"name": "a", "image": "a:1"}],
        "~.volumes": [{"emptyDir": {}, "name": "z"}, {"name": "a"}],
        "@.volumeMounts": [{"mountPath": "/z", "name": "z"}, {"mountPath": "/a", "name": "a", "readOnly": True}],
    },
    "features that are not enabled": {
        "~.schedulingGroup": {"podGroupName": "a"},
        "@.lifecycle": {"stopSignal": "SIGTERM", "preStop": {"sleep": {"seconds": 1}}},
    },
    "nothing but a signal": {"@.lifecycle": {"stopSignal": "SIGTERM"}},
    "a failure policy without rules": {"spec.podFailurePolicy": {"rules": []}},
    "secrets twice": {"~.imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}]},
    "resizing": {"@.resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]},
    # What is refused for its form.
    "a number for a string": {"@.image": 3},
    "a string for a number": {"spec.parallelism": "3"},
    "a string for a large number": {"spec.activeDeadlineSeconds": "3"},
    "a fraction": {"spec.parallelism": 1.5},
    "a number beyond 32 bits": {"spec.backoffLimit": 2**31},
    "a string for a boolean": {"spec.suspend": "true"},
    "a number for a named string": {"@.imagePullPolicy": 1},
    "a list for a string": {"@.name": ["a"]},
    "a string for a list": {"@.command": "echo hello"},
    "a number in a list of strings": {"@.command": ["sleep", 5]},
    "a string for a list of objects": {"~.volumes": "v"},
    "a string for an object": {"~.securityContext": "v"},
    "a string in a list of objects": {"@.ports": ["80"]},
    "a string for a struct": {"spec.template": "v"},
    "a number for a label": {"metadata.labels": {"a": 1}},
    "a list for labels": {"metadata.labels": ["a"]},
    "a boolean for an environment variable": {"@.env": [{"name": "A", "value": True}]},
    "a bad time": {"metadata.creationTimestamp": "abc"},
    "a number for a time": {"metadata.creationTimestamp": 5},
    "a bad quantity": {"@.resources": {"limits": {"cpu": "abc"}}},
    "a bad suffix": {"@.resources": {"limits": {"memory": "1GB"}}},
    "a list for a quantity": {"@.resources": {"limits": {"cpu": []}}},
    "a list for a port": {"@.livenessProbe": {"httpGet": {"port": []}}},
    "a number for an embedded field": {"~.volumes": [{"name": "v", "configMap": {"name": 1}}]},
    "an unknown field in an item": {"@.nonsense": 1, "@.env": [{"nam": "A"}]},
    "another namespace": {"metadata.namespace": "other"},
    "another version": {"apiVersion": "batch/v1beta1"},
    "a kind that there is not": {"kind": "Jab"},
    # What is refused for its meaning.
    "no name": {"metadata": {}},
    "an upper-case name": {"metadata.name": "One"},
    "a name with an underscore": {"metadata.name": "one_two"},
    "a name that is too long": {"metadata.name": "a" * 254},
    "a bad generateName": {"metadata": {"generateName": "Made_"}},
    "a generateName that is too long": {"metadata": {"generateName": "a" * 300}},
    "a bad label": {"metadata.labels": {"a b": "c"}},
    "a bad label's value": {"metadata.labels": {"a": "b c"}},
    "a label with a bad prefix": {"metadata.labels": {"A_/b": "c"}},
    "a label with two slashes": {"metadata.labels": {"a/b/c": "d"}},
    "a label without a name": {"metadata.labels": {"a/": "d"}},
    "a label without a prefix": {"metadata.labels": {"/a": "d"}},
    "a label that is too long": {"metadata.labels": {"a" * 64: "b" * 64}},
    "a bad label of the template": {
        "metadata.labels": {"x": "y"},
        "spec.template.metadata": {"labels": {"-": "-"}},
    },
    "a bad annotation": {"metadata.annotations": {"a b": "c"}},
    "too many annotations": {"metadata.annotations": {"a": "b" * (256 * 1024)}},
    "a long name and labels of the template": {
        "metadata.name": "a" * 64,
        "spec.template.metadata": {"labels": {"a": "b"}},
    },
    "a name for HTML": {"metadata.name": "<&>", "~.restartPolicy": "<&>"},
    "other ports on the host's network": {
        "~.hostNetwork": True,
        "@.ports": [{"containerPort": 80, "hostPort": 81}],
    },
    "a toleration of comparison": {"~.tolerations": [{"key": "a", "operator": "Gt", "value": "1"}]},
    "an ephemeral container": {"~.ephemeralContainers": [{"name": "a", "image": "b"}]},
    "success policies that cannot be read": {
        **_INDEXED,
        "spec.successPolicy": {
            "rules": [
                {"succeededIndexes": "0-1,7"},
                {"succeededIndexes": "1-0"},
                {"succeededIndexes": "0-1-2"},
                {"succeededIndexes": "a"},
                {"succeededIndexes": "0,2", "succeededCount": 3},
                {"succeededIndexes": "", "succeededCount": 0},
            ]
        },
    },
    "finalizers that exclude each other": {"metadata.finalizers": ["orphan", "foregroundDeletion"]},
    "a bad finalizer": {"metadata.finalizers": ["a b"]},
    "an empty owner": {"metadata.ownerReferences": [{}]},
    "no spec": {"spec": _ABSENT},
    "no template": {"spec": {}},
    "no containers": {"~.containers": []},
    "no restartPolicy": {"~.restartPolicy": _ABSENT},
    "restartPolicy Always": {"~.restartPolicy": "Always"},
    "restartPolicy never": {"~.restartPolicy": "never"},
    "no name and no containers": {"metadata": {}, "~.containers": None},
    "a container without a name": {"@.name": _ABSENT},
    "a container without an image": {"@.image": ""},
    "an empty container": {"~.containers": [{}]},
    "a bad container's name": {"@.name": "Main_1"},
    "a container's name with dots": {"@.name": "a.b"},
    "containers of one name": {"~.containers": [{"name": "a", "image": "b"}, {"name": "a", "image": "c"}]},
    "an init container of the same name": {"~.initContainers": [{"name": "main", "image": "b"}]},
    "an init container with a probe": {
        "~.initContainers": [{"name": "a", "image": "b", "livenessProbe": {"exec": {"command": ["a"]}}}]
    },
    "negative numbers": {
        "spec.parallelism": -1,
        "spec.completions": -1,
        "spec.backoffLimit": -1,
        "spec.activeDeadlineSeconds": -1,
        "spec.ttlSecondsAfterFinished": -1,
    },
    "a completionMode that there is not": {"spec.completionMode": "indexed"},
    "indexed without completions": {"spec.completionMode": "Indexed", "spec.parallelism": 1},
    "indexed with too much parallelism": {**_INDEXED, "spec.parallelism": 100_001},
    "indexed with a long name": {**_INDEXED, "metadata.name": "a" * 62},
    "too many failed indexes": {**_INDEXED, "spec.backoffLimitPerIndex": 0, "spec.maxFailedIndexes": 4},
    "many completions with limits per index": {
        "spec.completionMode": "Indexed",
        "spec.completions": 100_001,
        "spec.parallelism": 10_001,
        "spec.backoffLimitPerIndex": 1,
    },
    "backoffLimitPerIndex without indexes": {"spec.backoffLimitPerIndex": 1},
    "maxFailedIndexes alone": {**_INDEXED, "spec.maxFailedIndexes": 1},
    "a podReplacementPolicy that there is not": {"spec.podReplacementPolicy": "Always"},
    "podReplacementPolicy with a failure policy": {
        **_rule(onExitCodes=_EXIT_CODES),
        "spec.podReplacementPolicy": "TerminatingOrFailed",
    },
    "a failure policy with OnFailure": {**_rule(onExitCodes=_EXIT_CODES), "~.restartPolicy": "OnFailure"},
    "a failure policy without an action": _rule(action="", onExitCodes=_EXIT_CODES),
    "a failure policy with a wrong action": _rule(action="Stop", onExitCodes=_EXIT_CODES),
    "a failure policy for an index": _rule(action="FailIndex", onExitCodes=_EXIT_CODES),
    "a failure policy without a reason": _rule(),
    "a failure policy with both reasons": _rule(onExitCodes=_EXIT_CODES, onPodConditions=[{"type": "A"}]),
    "a failure policy for exit code 0": _rule(onExitCodes={"operator": "In", "values": [0]}),
    "a failure policy with disorder": _rule(onExitCodes={"operator": "NotIn", "values": [2, 1, 1]}),
    "a failure policy without values": _rule(onExitCodes={"operator": "Is", "values": [], "containerName": "no"}),
    "a failure policy with bad conditions": _rule(onPodConditions=[{"type": "", "status": "Maybe"}]),
    "a success policy without indexes": {"spec.successPolicy": {"rules": [{"succeededCount": 1}]}},
    "an empty success policy": {**_INDEXED, "spec.successPolicy": {"rules": []}},
    "a success policy that cannot be": {**_INDEXED, "spec.successPolicy": {"rules": [{"succeededCount": 4}, {}]}},
    "managedBy without a domain": {"spec.managedBy": "me"},
    "managedBy with a bad domain": {"spec.managedBy": "A_/" + "b" * 70},
    "a selector without manualSelector": {"spec.selector": {"matchLabels": {"a": "b"}}},
    "a selector that matches": {
        "spec.selector": {"matchLabels": {"a": "b"}},
        "spec.template.metadata": {"labels": {"a": "b"}},
    },
    "manualSelector without a selector": {"spec.manualSelector": True},
    "a manual selector that does not match": {
        "spec.manualSelector": True,
        "spec.selector": {"matchLabels": {"a": "b"}},
        "spec.template.metadata": {"labels": {"a": "c"}},
    },
    "a bad manual selector": {
        "spec.manualSelector": True,
        "spec.selector": {"matchExpressions": [{"key": "a", "operator": "Is"}, {"key": "b c", "operator": "In"}]},
        "spec.template.metadata": {"labels": {"a": "b"}},
    },
    "labels that the apiserver sets": {
        "spec.template.metadata": {"labels": {"job-name": "two", "controller-uid": "x"}}
    },
    "a pull policy that there is not": {"@.imagePullPolicy": "always"},
    "a termination message policy that there is not": {"@.terminationMessagePolicy": "Stdout"},
    "a dnsPolicy that there is not": {"~.dnsPolicy": "Cluster"},
    "dnsPolicy None alone": {"~.dnsPolicy": "None"},
    "a pod's deadline of 0": {"~.activeDeadlineSeconds": 0},
    "a bad environment variable": {"@.env": [{"name": "A=B", "value": "c"}, {"value": "d"}]},
    "a value from nowhere": {"@.env": [{"name": "A", "valueFrom": {}}]},
    "a value from two places": {
        "@.env": [
            {
                "name": "A",
                "valueFrom": {
                    "fieldRef": {"fieldPath": "metadata.name"},
                    "secretKeyRef": {"name": "a", "key": "b"},
                },
            },
            {"name": "B", "value": "c", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        ]
    },
    "fields that cannot be had": {
        "@.env": [
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nonsense"}}},
            {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}},
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "A_", "key": ""}}},
        ]
    },
    "an environment from nowhere": {"@.envFrom": [{}, {"configMapRef": {}}]},
    "an unknown volume": {"@.volumeMounts": [{"name": "v", "mountPath": "/v"}]},
    "a mount without a path": {**_VOLUME, "@.volumeMounts": [{"name": "v"}]},
    "two mounts at one path": {
        **_VOLUME,
        "@.volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v", "subPath": "../x"}],
    },
    "volumes of one name": {"~.volumes": [{"name": "v"}, {"name": "v"}]},
    "a volume without a name": {"~.volumes": [{"emptyDir": {}}]},
    "a bad volume's name": {"~.volumes": [{"name": "V_1"}]},
    "a volume of two kinds": {"~.volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]},
    "incomplete volumes": {
        "~.volumes": [
            {"name": "a", "configMap": {}},
            {"name": "b", "secret": {"defaultMode": 1000}},
            {"name": "c", "hostPath": {"path": "/..", "type": "Fileish"}},
            {"name": "d", "persistentVolumeClaim": {"claimName": ""}},
            {"name": "e", "configMap": {"name": "x", "items": [{"key": "", "path": "/a"}]}},
        ]
    },
    "bad ports": {
        "@.ports": [
            {"containerPort": 0},
            {"containerPort": 70000, "hostPort": -1, "protocol": "tcp"},
            {"containerPort": 1, "name": "Too_long_a_name--"},
            {"containerPort": 2, "name": "a"},
            {"containerPort": 3, "name": "a"},
        ]
    },
    "host ports twice": {"@.ports": [{"containerPort": 1, "hostPort": 1}, {"containerPort": 2, "hostPort": 1}]},
    "bad probes": {
        "@.livenessProbe": {"httpGet": {"port": 0, "scheme": "FTP"}, "successThreshold": 2, "periodSeconds": -1},
        "@.readinessProbe": {},
        "@.startupProbe": {"exec": {}, "tcpSocket": {"port": "x"}},
    },
    "a request above its limit": {"@.resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1500m"}}},
    "a negative quantity": {"@.resources": {"requests": {"memory": "-1"}}},
    "resources that there are not": {"@.resources": {"limits": {"gpu": "1"}, "requests": {"pods": "1"}}},
    "half a device": {"@.resources": {"limits": {"example.com/gpu": "500m"}}},
    "a device without a limit": {"@.resources": {"requests": {"example.com/gpu": "1"}}},
    "a bad node selector": {"~.nodeSelector": {"a": "b c"}},
    "bad names in the pod": {
        "~.serviceAccountName": "A",
        "~.nodeName": "B_",
        "~.hostname": "c.d",
        "~.priorityClassName": "E",
        "~.runtimeClassName": "F",
    },
    "bad tolerations": {
        "~.tolerations": [
            {"key": "a", "operator": "Is"},
            {"value": "b"},
            {"key": "c", "operator": "Exists", "value": "d", "effect": "Never"},
            {"key": "e", "tolerationSeconds": 3},
        ]
    },
    "bad ids": {
        "~.securityContext": {"runAsUser": -1, "supplementalGroups": [-1]},
        "@.securityContext": {"runAsGroup": -1},
    },
    "a restartPolicy of a container that there is not": {"@.restartPolicy": "Sometimes"},
    "a bad preemptionPolicy": {"~.preemptionPolicy": "Sometimes"},
    "bad profiles and policies": {
        "~.securityContext": {
            "fsGroupChangePolicy": "Never",
            "supplementalGroupsPolicy": "Never",
            "seccompProfile": {"type": "Localhost"},
            "appArmorProfile": {"type": "None"},
        },
        "@.securityContext": {"procMount": "No", "seccompProfile": {"type": "None", "localhostProfile": "a"}},
    },
    "bad addresses": {
        "~.hostAliases": [{"ip": "a", "hostnames": ["A"]}],
        "~.dnsConfig": {"nameservers": ["a"]},
    },
    "bad mount options": {
        **_VOLUME,
        "@.volumeMounts": [
            {"name": "v", "mountPath": "/a", "mountPropagation": "Some", "recursiveReadOnly": "Some"},
            {"name": "v", "mountPath": "/b", "recursiveReadOnly": "Enabled"},
        ],
    },
    "bad resizing": {
        "@.resizePolicy": [
            {"resourceName": "gpu", "restartPolicy": ""},
            {"resourceName": "cpu", "restartPolicy": "RestartContainer"},
            {"resourceName": "cpu", "restartPolicy": "NotRequired"},
        ]
    },
    "another operating system": {"~.os": {"name": "plan9"}},
    "many errors": {"metadata.name": "A", "spec.parallelism": -1, "@.image": "", "~.restartPolicy": "Always"},
}

_TWICE = "  suspend: true\n  suspend: false\n"
_JSON_TWICE = (
    b'{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one", "labels": {"a": "1", "a": "2"}},'
    b' "spec": {"suspend": true, "suspend": false, "nonsense": 1, "template": {"spec": {"restartPolicy": "Never",'
    b' "containers": [{"name": "main", "image": "a", "image": "b"}]}}}}'
)

CASES: dict[str, Case] = {
    **{name: _job(fields) for name, fields in _CHANGED.items()},
    "YAML": _yaml(),
    "YAML, unknown fields": _yaml("  nonsense: 1\n  also: {a: b}\nrubbish: 2\n"),
    "YAML, unknown fields, warned of": _yaml("  nonsense: 1\nrubbish: 2\n", field_validation="Warn"),
    "YAML, unknown fields, ignored": _yaml("  nonsense: 1\nrubbish: 2\n", field_validation="Ignore"),
    "YAML, a key twice": _yaml(_TWICE),
    "YAML, keys twice and unknown": _yaml("  nonsense: 1\n" + _TWICE, replace=("busybox", "a\n          image: b")),
    "YAML, a key twice, warned of": _yaml("  nonsense: 1\n" + _TWICE, field_validation="Warn"),
    "YAML, a key twice, ignored": _yaml(_TWICE, field_validation="Ignore"),
    "YAML, an error and what is warned of": _yaml(
        "  parallelism: -1\n  nonsense: 1\n" + _TWICE, field_validation="Warn"
    ),
    "YAML, a wrong type and an unknown field": _yaml("  nonsense: 1\n  suspend: 7\n"),
    "YAML, two wrong types": _yaml("  suspend: 7\n  parallelism: a\n"),
    "YAML, a whole number with a point": _yaml("  parallelism: 2.0\n"),
    "YAML, the wrong kind of metadata": _yaml(replace=("metadata:\n  name: one", "metadata: one")),
    "YAML, a list": Case(b"- 1\n"),
    "YAML, a string": Case(b"hello\n"),
    "YAML, a kind that is a number": _yaml(replace=("kind: Job", "kind: 3")),
    "YAML, neither kind nor version": _yaml(replace=("apiVersion: batch/v1\nkind: Job\n", "")),
    "JSON, keys twice": Case(_JSON_TWICE),
    "JSON, keys twice, warned of": Case(_JSON_TWICE, "Warn"),
    "JSON, keys twice, ignored": Case(_JSON_TWICE, "Ignore"),
    "JSON, a whole number with a point": Case(
        json.dumps(_JOB).replace('"spec": {', '"spec": {"parallelism": 1.0, ', 1).encode()
    ),
}
