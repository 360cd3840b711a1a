"""Audit check: a log and its head in, silence or the first entry that was altered out."""

from collections.abc import Sequence

from golive.domain.audit import START, AuditEntry, AuditHead, check_head, entry_hash
from golive.errors import AuditError


def verify(entries: Sequence[AuditEntry], head: AuditHead | None) -> None:
    """Check the whole chain, then its end against the head.

    Whoever can write both the ledger and its head file can forge both; keep a copy of the head elsewhere to be
    safe from that.

    Raises:
        AuditError: an entry was changed, removed or put in; the message names the first such entry.
    """
    previous = START
    for position, entry in enumerate(entries, start=1):
        if entry.sequence != position:
            message = f"audit entry {position} is missing: entry {entry.sequence} stands in its place; restore a backup"
            raise AuditError(message)
        if entry.previous != previous or entry_hash(entry) != entry.hash:
            message = (
                f"audit entry {position} ({entry.action} {entry.subject} by {entry.actor}) was altered: "
                "its hash does not match its content or the entry before it; restore a backup"
            )
            raise AuditError(message)
        previous = entry.hash
    check_head(entries[-2:], head)
