"""Deployments: what should serve, and how each wish came out, as rows of the ledger."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select

from golive.domain.audit import AuditNote
from golive.domain.release import Deployment, Share, Strategy
from golive.errors import NotFoundError
from golive.store import tables
from golive.store.audit_log import append
from golive.store.json_text import json_text

SettledAs = Literal["live", "failed"]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A wish and how it came out."""

    deployment: Deployment
    outcome: SettledAs | Literal["pending"] = "pending"
    text: str = ""
    """Why it failed."""

    @property
    def words(self) -> str:
        """The outcome for people: ``live``, ``failed: <why>`` or ``pending``."""
        return f"{self.outcome}: {self.text}" if self.text else self.outcome


def add(
    connection: Connection,
    name: str,
    target: str,
    split: Sequence[Share],
    *,
    strategy: Strategy,
    reason: str,
    at: str,
    by: str,
) -> Deployment:
    """Write down a wish under the next number, with its audit entry."""
    last = connection.execute(select(func.max(tables.DEPLOYMENTS.c.number))).scalar()
    deployment = Deployment(
        number=(last or 0) + 1,
        name=name,
        target=target,
        split=tuple(split),
        strategy=strategy,
        reason=reason,
        created_at=at,
        created_by=by,
    )
    values = msgspec.structs.asdict(deployment) | {"split": json_text(deployment.split)}
    connection.execute(insert(tables.DEPLOYMENTS).values(values))
    details = {
        "number": deployment.number,
        "split": {str(part.version): part.share for part in split},
        "strategy": strategy,
        "reason": reason,
    }
    append(connection, AuditNote(action="deploy", subject=f"{name} on {target}", details=details), at, by)
    return deployment


def settle(connection: Connection, number: int, outcome: SettledAs, text: str, *, at: str, by: str) -> None:
    """Write down how a wish came out, with its audit entry; the same outcome again changes nothing."""
    known = get(connection, number)
    if known.outcome == outcome:
        return
    connection.execute(insert(tables.DEPLOYMENT_EVENTS).values(number=number, outcome=outcome, at=at, text=text))
    subject = f"{known.deployment.name} on {known.deployment.target}"
    note = AuditNote(action=f"deploy.{outcome}", subject=subject, details={"number": number, "text": text})
    append(connection, note, at, by)


def get(connection: Connection, number: int) -> Settled:
    """Give one wish with its outcome.

    Raises:
        NotFoundError: there is no such deployment.
    """
    row = connection.execute(_query().where(tables.DEPLOYMENTS.c.number == number)).first()
    if row is None:
        message = f"there is no deployment {number}; 'golive history' lists them"
        raise NotFoundError(message)
    return _settled(row)


def find(connection: Connection, *, name: str | None = None, target: str | None = None) -> tuple[Settled, ...]:
    """Give wishes with their outcomes in one query, oldest first: of one name or one target, or all."""
    query = _query().order_by(tables.DEPLOYMENTS.c.number)
    if name is not None:
        query = query.where(tables.DEPLOYMENTS.c.name == name)
    if target is not None:
        query = query.where(tables.DEPLOYMENTS.c.target == target)
    return tuple(_settled(row) for row in connection.execute(query))


def latest(wishes: Sequence[Settled]) -> tuple[Settled, ...]:
    """Give of each name the latest wish that did not fail, by name; names that should not serve are left out."""
    of_name = {wish.deployment.name: wish for wish in wishes if wish.outcome != "failed"}
    return tuple(of_name[name] for name in sorted(of_name) if of_name[name].deployment.split)


def _settled(row: Row[Any]) -> Settled:
    deployment = Deployment(
        number=row.number,
        name=row.name,
        target=row.target,
        split=msgspec.json.decode(row.split, type=tuple[Share, ...]),
        strategy=row.strategy,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
    )
    if row.outcome is None:
        return Settled(deployment=deployment)
    return Settled(deployment=deployment, outcome=row.outcome, text=row.text)


def _query() -> Select[Any]:
    """Give each deployment once, beside its newest event."""
    events = tables.DEPLOYMENT_EVENTS
    newest = select(func.max(events.c.id)).group_by(events.c.number)
    return select(tables.DEPLOYMENTS, events.c.outcome, events.c.text).outerjoin(
        events, (events.c.number == tables.DEPLOYMENTS.c.number) & events.c.id.in_(newest)
    )
