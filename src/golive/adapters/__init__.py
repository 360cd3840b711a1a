"""Adapters: the plug-ins golive ships, found by entry point."""
