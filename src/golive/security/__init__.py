"""Security: API keys and the tamper-evident audit log."""
