"""The tests, laid out as service/ is."""
