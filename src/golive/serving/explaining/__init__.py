"""Explaining: why a served model answered as it did, in a process of its own, so that no prediction waits for it."""
