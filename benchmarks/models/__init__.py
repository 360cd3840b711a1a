"""What can be brought to golive: every kind of model tried, and docs/models.md written from what came of it."""
