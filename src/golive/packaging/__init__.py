"""Packaging: a fitted object in, a bundle with its parity proof out."""
