"""What happens to a manifest before it is stored: decoding, defaults, refusals, and who owns which field."""
