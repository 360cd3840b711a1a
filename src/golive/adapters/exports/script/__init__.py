"""Script: a bundle as one file that Python runs."""
