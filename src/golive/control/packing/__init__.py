"""Packing: a fitted object and what is proved of it, as a bundle in the store."""
