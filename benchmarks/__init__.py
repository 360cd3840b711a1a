"""Measurements: each script writes one result file that the docs quote."""
