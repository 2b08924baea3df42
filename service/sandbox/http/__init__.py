"""The sandbox's HTTP side: routes, lists, representations, errors."""
