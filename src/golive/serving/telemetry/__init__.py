"""Telemetry: counters, their exposition, traces, and records of what was predicted."""
