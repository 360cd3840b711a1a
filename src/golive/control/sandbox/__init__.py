"""Sandbox: a process of its own for files of strangers: little memory, little time, no network, no new programs."""
