"""Models that live in another process of this machine, as those see them who hold the connections of the callers."""
