"""Optimizing: from a bundle to a smaller or faster one, with the evidence that it is as good."""
