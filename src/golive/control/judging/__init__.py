"""Judging: a bundle asked about rows, Evidence of what it answered, the gate, and what is written of both."""
