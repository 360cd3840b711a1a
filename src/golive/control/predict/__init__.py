"""Predict: files and tables of any size through a bundle, in constant memory, on all cores, resumable."""
