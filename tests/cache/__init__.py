"""Tests of service/cache."""
