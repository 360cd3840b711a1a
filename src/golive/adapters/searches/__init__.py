"""Searches: ways to choose hyper-parameters."""
