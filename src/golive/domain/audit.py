"""Audit: who did what to what, as entries that each carry the hash of the one before."""

from collections.abc import Sequence
from typing import Any

import msgspec

from golive.domain.digest import Digest, digest_of_value
from golive.errors import AuditError

START = Digest("sha256:" + "0" * 64)
"""What the first entry names as the one before it."""


class AuditNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be written down; who did it and when come beside it."""

    action: str
    """Such as ``release``, ``deploy`` or ``key.revoke``."""
    subject: str
    """What it was done to, such as ``houses@3``."""
    details: dict[str, Any] = {}
    """JSON values only."""


class AuditEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of the log."""

    sequence: int
    """Counting from 1 without gaps."""
    at: str
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: Digest
    hash: Digest


class AuditHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last entry, as kept outside the log, so that a log cut short is noticed."""

    sequence: int
    hash: Digest


def chain(previous: AuditEntry | None, note: AuditNote, *, at: str, by: str) -> AuditEntry:
    """Make the entry that follows ``previous`` (None for the first one)."""
    # Details take the form that they will be read back in, so that the hash is over what is stored.
    details: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(note.details))
    entry = AuditEntry(
        sequence=previous.sequence + 1 if previous else 1,
        at=at,
        actor=by,
        action=note.action,
        subject=note.subject,
        details=details,
        previous=previous.hash if previous else START,
        hash=START,
    )
    return msgspec.structs.replace(entry, hash=entry_hash(entry))


def entry_hash(entry: AuditEntry) -> Digest:
    """Hash all that an entry says, the hash of the one before it included, over canonical JSON."""
    content = msgspec.to_builtins(entry)
    content.pop("hash")
    return digest_of_value(content)


def check_head(last: Sequence[AuditEntry], head: AuditHead | None) -> None:
    """Compare the end of a log with its head.

    A head one entry behind is right: a process died between writing the entry and writing the head.

    Args:
        last: the last two entries (or all, if there are fewer), oldest first.
        head: what the head file says; None when there is no such file.

    Raises:
        AuditError: the log is shorter or longer than the head says, or ends in another entry.
    """
    found = last[-1].sequence if last else 0
    expected = head.sequence if head else 0
    if found - expected not in {0, 1}:
        kind = "the end of the log was removed" if found < expected else "the head is out of date or was replaced"
        message = (
            f"the audit log ends at entry {found}, but its head file says {expected}: {kind}; "
            "restore the ledger and its head file from one backup"
        )
        raise AuditError(message)
    marked = next((entry for entry in last if entry.sequence == expected), None)
    if head is not None and (marked is None or marked.hash != head.hash):
        message = (
            f"audit entry {expected} is not the one that the head file names: it was replaced; "
            "restore the ledger and its head file from one backup"
        )
        raise AuditError(message)
