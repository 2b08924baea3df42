"""Job API: the raw Kubernetes Job over HTTP."""
