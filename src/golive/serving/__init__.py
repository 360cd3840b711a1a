"""Serving: the hot path, from bytes to bytes."""
