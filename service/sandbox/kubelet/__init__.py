"""What a node does: pods run in name only, and what their containers would print is remembered."""
