"""The HTTP contract, on a real control plane."""
