"""Tests of service/logs."""
