"""Stress: what a model's answers are worth when its inputs are worse than the test rows."""
