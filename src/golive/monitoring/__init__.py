"""Monitoring: Records in, live Evidence out."""
