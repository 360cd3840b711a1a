"""Formats: files that models are read from."""
