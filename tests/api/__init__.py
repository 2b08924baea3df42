"""Tests of service/api that need no real apiserver."""
