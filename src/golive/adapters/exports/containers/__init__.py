"""Containers: an image that serves a bundle, and what runs it."""
