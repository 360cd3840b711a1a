"""Frameworks: a bundle's graph in the form of another framework, proved before it is kept."""
