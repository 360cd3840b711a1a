"""Training: a table in, a fitted object and every trial out."""
