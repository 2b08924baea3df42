"""Tests of service/manifests: what is seen of a body, and that no body does harm."""
