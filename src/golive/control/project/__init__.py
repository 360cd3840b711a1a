"""Project: golive.yaml, read and written."""
