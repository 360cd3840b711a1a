"""``golive key`` and ``golive audit``."""

import secrets

from golive.control.rooms import Rooms
from golive.domain.api_key import KeyRow
from golive.domain.audit import AuditEntry
from golive.security.audit import verify
from golive.security.keys import NewKey, make_key


def create_key(label: str, rooms: Rooms) -> NewKey:
    """Make an API key; its secret leaves this function once and is never stored."""
    key = make_key(secrets.token_bytes)
    rooms.ledger.add_key(key.id, key.hash, label=label, at=rooms.now(), by=rooms.actor)
    return key


def list_keys(rooms: Rooms) -> tuple[KeyRow, ...]:
    """List the keys, revoked ones included."""
    return rooms.ledger.keys()


def revoke_key(key_id: str, rooms: Rooms) -> None:
    """Revoke a key.

    Raises:
        NotFoundError: there is no such key.
    """
    rooms.ledger.revoke_key(key_id, at=rooms.now(), by=rooms.actor)


def audit_entries(rooms: Rooms) -> tuple[AuditEntry, ...]:
    """Give every entry, oldest first."""
    return rooms.ledger.audit_entries()


def verify_audit(rooms: Rooms) -> int:
    """Check the whole chain and give the number of entries.

    Raises:
        AuditError: an entry was changed or removed; the message names the first bad one.
    """
    entries = rooms.ledger.audit_entries()
    verify(entries, rooms.ledger.audit_head())
    return len(entries)
