"""Notebook: what a notebook types, and what it is given to hold."""
