"""The sandbox: its parts alone, and what is recorded of the real apiserver."""
