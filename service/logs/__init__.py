"""The logs of a Job: of which pods and containers, how they are read, and how many become one."""
