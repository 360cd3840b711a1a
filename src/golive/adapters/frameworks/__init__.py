"""Frameworks: fitted objects in, graphs out."""
