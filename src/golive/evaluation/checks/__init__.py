"""Checks: the rows that a model was trained and judged on in; what is wrong with them out."""
