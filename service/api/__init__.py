"""The HTTP routes: what callers see."""
