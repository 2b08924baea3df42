"""Clients that generators make of the OpenAPI document, for a person who has the README before them."""
