"""API keys: their hashes, as rows of the ledger."""

from sqlalchemy import Connection, insert, select, update

from golive.domain.api_key import KeyRow
from golive.domain.audit import AuditNote
from golive.errors import NotFoundError
from golive.store import tables
from golive.store.audit_log import append


def add(connection: Connection, key_id: str, key_hash: bytes, *, label: str, at: str, by: str) -> None:
    """Write down the hash of a new key, with its audit entry."""
    values = {"id": key_id, "hash": key_hash, "label": label, "created_at": at, "revoked_at": ""}
    connection.execute(insert(tables.API_KEYS).values(values))
    append(connection, AuditNote(action="key.create", subject=key_id, details={"label": label}), at, by)


def revoke(connection: Connection, key_id: str, *, at: str, by: str) -> None:
    """Make a key invalid, with its audit entry; revoking it again changes nothing.

    Raises:
        NotFoundError: there is no such key.
    """
    key = tables.API_KEYS.c.id == key_id
    row = connection.execute(select(tables.API_KEYS).where(key)).first()
    if row is None:
        message = f"there is no API key {key_id!r}; 'golive key list' lists them"
        raise NotFoundError(message)
    if not row.revoked_at:
        connection.execute(update(tables.API_KEYS).where(key).values(revoked_at=at))
        append(connection, AuditNote(action="key.revoke", subject=key_id), at, by)


def find(connection: Connection) -> tuple[KeyRow, ...]:
    """Give all keys, revoked ones included, oldest first."""
    query = select(tables.API_KEYS).order_by(tables.API_KEYS.c.created_at, tables.API_KEYS.c.id)
    return tuple(
        KeyRow(id=row.id, hash=row.hash, label=row.label, created_at=row.created_at, revoked_at=row.revoked_at)
        for row in connection.execute(query)
    )
