"""Evaluation: a bundle and a table in, Evidence and a report out."""
