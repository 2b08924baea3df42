"""`make bench`: the service beside kubectl proxy and a direct call, on one control plane; no test, never in CI."""
