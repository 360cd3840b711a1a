"""Companions: what stands beside a model in its export, and by what it is checked where it runs."""
