"""Tests of service/access that need no real apiserver."""
