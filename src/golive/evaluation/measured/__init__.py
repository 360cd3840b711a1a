"""Measured: answers and truth in, metrics with intervals and what a report draws of them out."""
