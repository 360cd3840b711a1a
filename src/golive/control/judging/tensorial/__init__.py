"""Judging of bundles of tensors: arrays with known answers in, the same Evidence as of rows of fields out."""
