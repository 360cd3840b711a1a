"""Codecs: what each protocol over HTTP reads and writes, compiled from a signature."""
