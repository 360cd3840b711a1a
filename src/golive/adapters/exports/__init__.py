"""Exports: forms to hand a bundle over in."""
