"""Slices: rows that can be described and on which a model errs too much, and rows whose truth is doubtful."""
