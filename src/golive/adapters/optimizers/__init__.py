"""Optimizers: ways to make a graph smaller or faster."""
