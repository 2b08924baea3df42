"""An apiserver for Jobs inside the process: for a first try and for tests, without a cluster.

It has no authentication and keeps everything in memory. What it does, it does as the real one, which the
contract tests hold it to; what it does not know it refuses with 501.
"""
