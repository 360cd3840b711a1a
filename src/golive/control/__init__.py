"""Control: the only writer of releases and deployments; one module per verb."""
