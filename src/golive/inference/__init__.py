"""Inference: the one road of a row: check, declared steps, session, labels."""
