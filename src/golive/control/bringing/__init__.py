"""Bringing: a model that was trained elsewhere, from its file to a bundle."""
