"""Batching: what arrives while the model runs is the next batch."""
