"""The field: how a server of anybody's is installed, started, checked, driven, weighed and ended."""
