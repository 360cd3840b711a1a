"""Explaining: a bundle's own rows and arrays in, how much each column contributed to an answer out."""
