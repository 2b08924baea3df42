"""Faults between the service and the apiserver: a proxy that delays, cuts, resets, stalls and slices."""
