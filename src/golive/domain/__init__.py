"""The seven nouns and the values they pass: frozen, without I/O and without a clock."""
