"""Explainers: what it takes to explain a graph's answers exactly, found in the graph when it is packaged."""
