"""Audit log: every administrative act, each entry linked to the one before, and the file that names the last."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from golive.domain.audit import AuditEntry, AuditHead, AuditNote, chain, check_head
from golive.errors import AuditError, UnavailableError
from golive.store import tables
from golive.store.database import Database
from golive.store.files import write_whole
from golive.store.json_text import json_text


class AuditLog:
    """The audit log of a database; ``audit.head`` beside the file names its last entry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def administering(self) -> Iterator[Connection]:
        """Open a transaction that writes an act and, by :func:`append`, its entry.

        Raises:
            AuditError: the log was cut short or its end replaced; nothing is written, so the trace stays.
        """
        # The head file is written after the commit, and the lock keeps the two in step among processes. A head that
        # stayed behind is mended before anything else is written, so it is never more than one entry behind.
        with self._database.lock():
            with self._database.writing() as connection:
                before = _last_entries(connection)
                head = self.head()
                check_head(before, head)
                if before and (head is None or head.sequence < before[-1].sequence):
                    self._write_head(before[-1])
                yield connection
                after = _last_entries(connection)[-1:]
            # The write holds from here on, so a full disk must not make it look undone: the next one mends the head.
            with suppress(UnavailableError):
                for entry in after:
                    self._write_head(entry)

    def entries(self) -> tuple[AuditEntry, ...]:
        """Give the whole log, oldest first, unchecked."""
        rows = self._database.read(select(tables.AUDIT).order_by(tables.AUDIT.c.sequence))
        return tuple(_entry(row) for row in rows)

    def head(self) -> AuditHead | None:
        """Give the entry that the head file names as the last one, or None without such a file.

        Raises:
            AuditError: the head file cannot be read.
        """
        path = self._head_path
        try:
            return msgspec.json.decode(path.read_bytes(), type=AuditHead)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            message = f"{str(path)!r} is not an audit head ({error}); restore it and the ledger from one backup"
            raise AuditError(message) from error

    @property
    def _head_path(self) -> Path:
        return self._database.path.with_name("audit.head")

    def _write_head(self, entry: AuditEntry) -> None:
        write_whole(self._head_path, json_text(AuditHead(entry.sequence, entry.hash)).encode())


def append(connection: Connection, note: AuditNote, at: str, by: str) -> AuditEntry:
    """Add an entry, in the transaction of the act that it tells of."""
    last = _last_entries(connection)
    entry = chain(last[-1] if last else None, note, at=at, by=by)
    values = msgspec.structs.asdict(entry) | {"details": json_text(entry.details)}
    connection.execute(insert(tables.AUDIT).values(values))
    return entry


def _last_entries(connection: Connection) -> tuple[AuditEntry, ...]:
    rows = connection.execute(select(tables.AUDIT).order_by(tables.AUDIT.c.sequence.desc()).limit(2)).all()
    return tuple(_entry(row) for row in reversed(rows))


def _entry(row: Row[Any]) -> AuditEntry:
    try:
        details = msgspec.json.decode(row.details)
    except msgspec.DecodeError as error:
        message = f"audit entry {row.sequence} was altered: its details are no longer JSON ({error}); restore a backup"
        raise AuditError(message) from error
    return AuditEntry(
        sequence=row.sequence,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        details=details,
        previous=row.previous,
        hash=row.hash,
    )
