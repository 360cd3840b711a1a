"""Load: requests at a server, and how long its answers take."""
