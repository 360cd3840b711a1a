"""Optimization: a bundle in; smaller or faster bundles out, each judged on rows that none of them has seen."""
