"""Live Jobs: a store that one upstream watch keeps true, a window of recent changes, and reads that are shared."""
