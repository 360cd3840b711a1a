"""Tables: the schema of the ledger, in SQL that every database speaks."""

from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

SCHEMA_VERSION = 1

METADATA = MetaData()

META = Table("meta", METADATA, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

TRIALS = Table(
    "trials",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("candidate", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("scores", Text, nullable=False),
    Column("fit_s", Float, nullable=False),
    Column("error", Text, nullable=False),
    Column("chosen", Integer, nullable=False),
    Column("at", Text, nullable=False),
)

RELEASES = Table(
    "releases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("bundle", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False),
)

DEPLOYMENTS = Table(
    "deployments",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False),
)

DEPLOYMENT_EVENTS = Table(
    "deployment_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, ForeignKey("deployments.number"), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("text", Text, nullable=False),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("hash"),
)

APPEND_ONLY = (AUDIT, RELEASES, DEPLOYMENTS, DEPLOYMENT_EVENTS)
"""Tables whose rows are never changed or removed."""
