"""Runtimes: graphs in, sessions out."""
