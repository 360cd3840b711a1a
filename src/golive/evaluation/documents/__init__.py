"""Documents: what is known of a bundle, written for people and offices; every figure is traced to its record."""
