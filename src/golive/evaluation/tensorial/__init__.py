"""Tensorial: evaluation of models that read and give tensors."""
