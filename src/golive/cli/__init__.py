"""The command line: parse, call control, print."""
