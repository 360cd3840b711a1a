"""Running: the supervisor, its workers in generations, and the process that records."""
