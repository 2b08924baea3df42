"""The OpenAPI document, made of the operations' own declarations."""
