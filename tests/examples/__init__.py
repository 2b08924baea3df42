"""Runs what is in examples/ as its readers would."""
