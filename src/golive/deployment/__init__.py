"""Deployment: plan what to do, then drive it."""
