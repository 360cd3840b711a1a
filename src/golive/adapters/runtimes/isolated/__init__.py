"""Isolated: a model that only Python can run, in a process and an environment of its own."""
