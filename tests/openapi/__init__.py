"""Tests of the OpenAPI document, and of what is made of it."""
