"""A real node with its own cluster: containers run, Services and DNS answer, and nothing leads out of its box."""
