"""Tensorial: models whose inputs are tensors of any shape, rather than rows of fields."""
