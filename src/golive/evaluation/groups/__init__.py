"""Groups: how a model treats the groups of people that its author declared."""
