"""The cluster's DNS: CoreDNS on the node itself, behind the Service that pods ask."""

from pathlib import Path
from typing import Any

from .addresses import DNS_ADDRESS, NODE_ADDRESS


def corefile(kubeconfig: Path) -> str:
    """Return CoreDNS' configuration. It knows the cluster's names; of every other it says that there is none."""
    return f"""\
cluster.local:53 in-addr.arpa:53 {{
  bind {NODE_ADDRESS}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
    ttl 1
  }}
}}
.:53 {{
  bind {NODE_ADDRESS}
  template ANY ANY . {{
    rcode NXDOMAIN
  }}
}}
"""


def dns_objects() -> dict[str, Any]:
    """Return the Service of CoreDNS and its only endpoint, which is no pod but the node itself."""
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": DNS_ADDRESS, "ports": ports},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
    }
    return {"apiVersion": "v1", "kind": "List", "items": [service, endpoints]}
