"""Releases: which bundles may serve under which version, as rows of the ledger."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from golive.domain.audit import AuditNote
from golive.domain.digest import Digest
from golive.domain.policy import Verdict
from golive.domain.release import Release
from golive.errors import NotFoundError
from golive.store import tables
from golive.store.audit_log import append
from golive.store.json_text import json_text


def add(connection: Connection, name: str, bundle: Digest, verdict: Verdict, *, at: str, by: str) -> Release:
    """Write down a release under the next version of its name, with its audit entry."""
    last = connection.execute(
        select(func.max(tables.RELEASES.c.version)).where(tables.RELEASES.c.name == name)
    ).scalar()
    release = Release(name=name, version=(last or 0) + 1, bundle=bundle, verdict=verdict, created_at=at, created_by=by)
    values = msgspec.structs.asdict(release) | {"verdict": json_text(verdict)}
    connection.execute(insert(tables.RELEASES).values(values))
    details = {"bundle": bundle, "verdict": verdict.outcome, "forced": verdict.forced}
    append(connection, AuditNote(action="release", subject=f"{name}@{release.version}", details=details), at, by)
    return release


def get(connection: Connection, name: str, version: int) -> Release:
    """Give one release.

    Raises:
        NotFoundError: there is none of that name and version; the message names those there are.
    """
    query = select(tables.RELEASES).where(tables.RELEASES.c.name == name, tables.RELEASES.c.version == version)
    row = connection.execute(query).first()
    if row is None:
        known = ", ".join(str(release.version) for release in find(connection, name)) or "none"
        message = f"{name!r} has no release {version}; its releases are: {known}"
        raise NotFoundError(message)
    return _release(row)


def find(connection: Connection, name: str | None) -> tuple[Release, ...]:
    """Give the releases of one name, or of all, by name and version."""
    query = select(tables.RELEASES).order_by(tables.RELEASES.c.name, tables.RELEASES.c.version)
    rows = connection.execute(query if name is None else query.where(tables.RELEASES.c.name == name))
    return tuple(_release(row) for row in rows)


def _release(row: Row[Any]) -> Release:
    return Release(
        name=row.name,
        version=row.version,
        bundle=row.bundle,
        verdict=msgspec.json.decode(row.verdict, type=Verdict),
        created_at=row.created_at,
        created_by=row.created_by,
    )
