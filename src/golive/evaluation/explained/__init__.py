"""Explained: the part of an evaluation that says what a model goes by."""
