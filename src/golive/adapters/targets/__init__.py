"""Targets: places that serve."""
