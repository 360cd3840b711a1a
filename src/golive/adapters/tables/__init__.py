"""Tables: files that data is read from."""
