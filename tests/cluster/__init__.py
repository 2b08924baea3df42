"""A real Kubernetes control plane with one fake node, built from Go modules and run on loopback for tests."""
