"""Tests of service/kube."""
