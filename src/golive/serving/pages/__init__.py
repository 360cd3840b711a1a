"""Pages: what a server tells of itself and its models, beside predictions."""
