"""Ledger: trials, releases, deployments, keys and the audit log, in one database file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from golive.domain.api_key import KeyRow
from golive.domain.audit import AuditEntry, AuditHead, AuditNote, chain, check_head
from golive.domain.digest import Digest
from golive.domain.naming import checked_name
from golive.domain.policy import Verdict
from golive.domain.release import Deployment, Release, Share, Strategy
from golive.domain.trial import Trial
from golive.errors import AuditError, NotFoundError, UnavailableError, UsageError, VerificationError
from golive.store import tables
from golive.store.files import locked, refused, write_whole
from golive.store.sqlite import WRITES, open_engine, protect

SettledAs = Literal["live", "failed"]
_SHARE_SLACK = 1e-9


class TrialRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as it was written down."""

    run: str
    position: int
    """From 0, in the order of the run."""
    trial: Trial
    chosen: bool
    at: str


class LookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One look of the monitor, as bytes that it understands."""

    name: str
    version: int
    at: str
    content: bytes


class Ledger:
    """The ledger of one project. Safe for several processes and threads.

    Every administrative write stands in one transaction with its audit entry; releases, deployments, their
    outcomes and the audit log are append-only. The last audit entry is named in ``audit.head`` beside the file, so
    that a log cut short is noticed. Times are ISO 8601 texts that the caller gives.

    Args:
        path: the database file; made with its folder when it is not there.

    Raises:
        UnavailableError: the file cannot be opened or made.
        VerificationError: it was written by a newer golive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(path.parent, error) from error
        self._engine = open_engine(path)
        self._create()

    # --- trials -----------------------------------------------------------------------------------------------

    def add_trials(self, run: str, trials: Sequence[Trial], *, chosen: int, at: str) -> None:
        """Keep the trials of a training run; a run that is there already is left as it is.

        Args:
            run: what names the run.
            trials: in order.
            chosen: the position of the winner.
            at: when the run ended.
        """
        rows = [_trial_values(run, position, trial, position == chosen, at) for position, trial in enumerate(trials)]
        with self._writing() as connection:
            known = connection.execute(select(tables.TRIALS.c.run).where(tables.TRIALS.c.run == run).limit(1)).first()
            if rows and known is None:
                connection.execute(insert(tables.TRIALS), rows)

    def trials(self, run: str | None = None) -> tuple[TrialRow, ...]:
        """Give the trials of one run, or of all, oldest run first."""
        query = select(tables.TRIALS).order_by(tables.TRIALS.c.at, tables.TRIALS.c.run, tables.TRIALS.c.position)
        rows = self._read(query if run is None else query.where(tables.TRIALS.c.run == run))
        return tuple(_trial_row(row) for row in rows)

    def runs(self) -> tuple[str, ...]:
        """Name the training runs, oldest first."""
        first = func.min(tables.TRIALS.c.at)
        rows = self._read(
            select(tables.TRIALS.c.run).group_by(tables.TRIALS.c.run).order_by(first, tables.TRIALS.c.run)
        )
        return tuple(row.run for row in rows)

    # --- releases ---------------------------------------------------------------------------------------------

    def add_release(self, name: str, bundle: Digest, verdict: Verdict, *, at: str, by: str) -> Release:
        """Write down that a bundle may serve, under the next version of its name.

        Raises:
            UsageError: the name cannot be used, or the verdict is about another bundle.
        """
        checked_name(name)
        if verdict.bundle != bundle:
            message = f"the verdict is about {verdict.bundle!r}, not about {bundle!r}; judge the bundle to be released"
            raise UsageError(message)
        with self._administering() as connection:
            last = connection.execute(
                select(func.max(tables.RELEASES.c.version)).where(tables.RELEASES.c.name == name)
            ).scalar()
            release = Release(
                name=name, version=(last or 0) + 1, bundle=bundle, verdict=verdict, created_at=at, created_by=by
            )
            values = msgspec.structs.asdict(release) | {"verdict": _json(verdict)}
            connection.execute(insert(tables.RELEASES).values(values))
            details = {"bundle": bundle, "verdict": verdict.outcome, "forced": verdict.forced}
            _append(
                connection, AuditNote(action="release", subject=f"{name}@{release.version}", details=details), at, by
            )
        return release

    def release(self, name: str, version: int) -> Release:
        """Give one release.

        Raises:
            NotFoundError: there is none of that name and version.
        """
        query = select(tables.RELEASES).where(tables.RELEASES.c.name == name, tables.RELEASES.c.version == version)
        rows = self._read(query)
        if not rows:
            known = ", ".join(str(release.version) for release in self.releases(name)) or "none"
            message = f"{name!r} has no release {version}; its releases are: {known}"
            raise NotFoundError(message)
        return _release(rows[0])

    def releases(self, name: str | None = None) -> tuple[Release, ...]:
        """Give the releases of one name, or of all, by name and version."""
        query = select(tables.RELEASES).order_by(tables.RELEASES.c.name, tables.RELEASES.c.version)
        rows = self._read(query if name is None else query.where(tables.RELEASES.c.name == name))
        return tuple(_release(row) for row in rows)

    # --- deployments ------------------------------------------------------------------------------------------

    def add_deployment(
        self, name: str, target: str, split: Sequence[Share], *, strategy: Strategy, reason: str, at: str, by: str
    ) -> Deployment:
        """Write down a wish. An empty split means that the name should no longer serve on the target.

        Raises:
            UsageError: the shares do not sum to 1.
            NotFoundError: a version was never released.
        """
        if split and (min(part.share for part in split) < 0 or abs(sum(p.share for p in split) - 1.0) > _SHARE_SLACK):
            shares = ", ".join(f"{part.version}: {part.share:g}" for part in split)
            message = f"the shares of {name!r} must be 0 or more and sum to 1, not {{{shares}}}"
            raise UsageError(message)
        for part in split:
            self.release(name, part.version)
        with self._administering() as connection:
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
            values = msgspec.structs.asdict(deployment) | {"split": _json(deployment.split)}
            connection.execute(insert(tables.DEPLOYMENTS).values(values))
            details = {
                "number": deployment.number,
                "split": {str(part.version): part.share for part in split},
                "strategy": strategy,
                "reason": reason,
            }
            _append(connection, AuditNote(action="deploy", subject=f"{name} on {target}", details=details), at, by)
        return deployment

    def settle(self, number: int, outcome: SettledAs, text: str, *, at: str, by: str = "golive") -> None:
        """Write down how a deployment came out; the same outcome again changes nothing.

        Raises:
            NotFoundError: there is no such deployment.
        """
        with self._administering() as connection:
            row = connection.execute(select(tables.DEPLOYMENTS).where(tables.DEPLOYMENTS.c.number == number)).first()
            if row is None:
                message = f"there is no deployment {number}; 'golive history' lists them"
                raise NotFoundError(message)
            if _outcomes(connection).get(number, ("", ""))[0] == outcome:
                return
            connection.execute(
                insert(tables.DEPLOYMENT_EVENTS).values(number=number, outcome=outcome, at=at, text=text)
            )
            details = {"number": number, "text": text}
            note = AuditNote(action=f"deploy.{outcome}", subject=f"{row.name} on {row.target}", details=details)
            _append(connection, note, at, by)

    def deployments(self, name: str | None = None) -> tuple[Deployment, ...]:
        """Give the deployments of one name, or of all, oldest first."""
        return tuple(deployment for deployment, _ in self._settled(name))

    def outcome(self, number: int) -> str:
        """Say how a deployment came out: ``live``, ``failed: <why>`` or ``pending``."""
        with self._reading() as connection:
            outcome, text = _outcomes(connection).get(number, ("pending", ""))
        return f"{outcome}: {text}" if text else outcome

    def desired(self, target: str) -> tuple[Deployment, ...]:
        """Give what should serve on a target: of each name the latest deployment that did not fail."""
        latest = {
            deployment.name: deployment
            for deployment, outcome in self._settled(None)
            if deployment.target == target and outcome != "failed"
        }
        return tuple(latest[name] for name in sorted(latest) if latest[name].split)

    def lived(self, name: str) -> tuple[Deployment, ...]:
        """Give the deployments of a name that went live, oldest first."""
        return tuple(deployment for deployment, outcome in self._settled(name) if outcome == "live")

    def serving(self, name: str) -> Deployment | None:
        """Give the latest deployment of a name that went live, or None when nothing of it serves."""
        lived = self.lived(name)
        return lived[-1] if lived and lived[-1].split else None

    # --- aliases ----------------------------------------------------------------------------------------------

    def set_alias(self, name: str, alias: str, version: int, *, at: str, by: str) -> None:
        """Let ``name:alias`` mean a release; what it meant before stays in the audit log.

        Raises:
            NotFoundError: there is no such release.
            UsageError: the alias cannot be used.
        """
        checked_name(alias)
        self.release(name, version)
        table = tables.ALIASES
        with self._administering() as connection:
            key = (table.c.name == name) & (table.c.alias == alias)
            before = connection.execute(select(table.c.version).where(key)).scalar()
            if before is None:
                connection.execute(insert(table).values(name=name, alias=alias, version=version, at=at))
            else:
                connection.execute(update(table).where(key).values(version=version, at=at))
            details = {"version": version, "before": before}
            _append(connection, AuditNote(action="alias", subject=f"{name}:{alias}", details=details), at, by)

    def aliases(self, name: str) -> dict[str, int]:
        """Give the aliases of a name: alias -> version."""
        rows = self._read(select(tables.ALIASES).where(tables.ALIASES.c.name == name).order_by(tables.ALIASES.c.alias))
        return {row.alias: row.version for row in rows}

    # --- keys -------------------------------------------------------------------------------------------------

    def add_key(self, key_id: str, key_hash: bytes, *, label: str, at: str, by: str) -> None:
        """Keep the hash of a new API key."""
        values = {"id": key_id, "hash": key_hash, "label": label, "created_at": at, "revoked_at": ""}
        with self._administering() as connection:
            connection.execute(insert(tables.API_KEYS).values(values))
            _append(connection, AuditNote(action="key.create", subject=key_id, details={"label": label}), at, by)

    def revoke_key(self, key_id: str, *, at: str, by: str) -> None:
        """Make a key invalid; revoking it again changes nothing.

        Raises:
            NotFoundError: there is no such key.
        """
        key = tables.API_KEYS.c.id == key_id
        with self._administering() as connection:
            row = connection.execute(select(tables.API_KEYS).where(key)).first()
            if row is None:
                message = f"there is no API key {key_id!r}; 'golive key list' lists them"
                raise NotFoundError(message)
            if not row.revoked_at:
                connection.execute(update(tables.API_KEYS).where(key).values(revoked_at=at))
                _append(connection, AuditNote(action="key.revoke", subject=key_id), at, by)

    def keys(self) -> tuple[KeyRow, ...]:
        """Give all keys, revoked ones included, oldest first."""
        rows = self._read(select(tables.API_KEYS).order_by(tables.API_KEYS.c.created_at, tables.API_KEYS.c.id))
        return tuple(
            KeyRow(id=row.id, hash=row.hash, label=row.label, created_at=row.created_at, revoked_at=row.revoked_at)
            for row in rows
        )

    # --- looks ------------------------------------------------------------------------------------------------

    def add_look(self, look: LookRow) -> None:
        """Keep what one look of the monitor found."""
        with self._writing() as connection:
            connection.execute(insert(tables.LOOKS).values(msgspec.structs.asdict(look)))

    def looks(self, name: str, version: int) -> tuple[LookRow, ...]:
        """Give the looks at one release, oldest first."""
        table = tables.LOOKS
        query = select(table).where(table.c.name == name, table.c.version == version).order_by(table.c.id)
        rows = self._read(query)
        return tuple(LookRow(name=row.name, version=row.version, at=row.at, content=row.content) for row in rows)

    # --- audit ------------------------------------------------------------------------------------------------

    def note(self, note: AuditNote, *, at: str, by: str) -> AuditEntry:
        """Append one entry to the audit log.

        Raises:
            AuditError: the log was cut short or its end replaced; nothing is written, so the trace stays.
        """
        with self._administering() as connection:
            return _append(connection, note, at, by)

    def audit_entries(self) -> tuple[AuditEntry, ...]:
        """Give the whole audit log, oldest first, unchecked (``golive.security.audit.verify`` checks it)."""
        return tuple(_audit_entry(row) for row in self._read(select(tables.AUDIT).order_by(tables.AUDIT.c.sequence)))

    def audit_head(self) -> AuditHead | None:
        """Give the entry that the head file names as the last one, or None without such a file.

        Raises:
            AuditError: the head file cannot be read.
        """
        path = self._head_path()
        try:
            return msgspec.json.decode(path.read_bytes(), type=AuditHead)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            message = f"{str(path)!r} is not an audit head ({error}); restore it and the ledger from one backup"
            raise AuditError(message) from error

    # --- how it is done ---------------------------------------------------------------------------------------

    def _create(self) -> None:
        # Two processes that make the file at once would meet in the switch to write-ahead logging.
        with locked(self._lock_path()), self._writing() as connection:
            tables.METADATA.create_all(connection)
            protect(connection)
            meta = tables.META
            found = connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar()
            if found is None:
                connection.execute(insert(meta).values(key="schema", value=str(tables.SCHEMA_VERSION)))
            elif int(found) != tables.SCHEMA_VERSION:
                message = (
                    f"{str(self._path)!r} has ledger format {found}, and this golive reads {tables.SCHEMA_VERSION}; "
                    "use the golive version that wrote it, or a newer one"
                )
                raise VerificationError(message)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise self._refusal(error) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise self._refusal(error) from error

    @contextmanager
    def _administering(self) -> Iterator[Connection]:
        # The head file is written after the commit, and the lock keeps the two in step among processes. A head that
        # stayed behind is mended before anything else is written, so it is never more than one entry behind.
        with locked(self._lock_path()):
            with self._writing() as connection:
                before = _last_entries(connection)
                head = self.audit_head()
                check_head(before, head)
                if before and (head is None or head.sequence < before[-1].sequence):
                    self._write_head(before[-1])
                yield connection
                after = _last_entries(connection)[-1:]
            # The write holds from here on, so a full disk must not make it look undone: the next one mends the head.
            with suppress(UnavailableError):
                for entry in after:
                    self._write_head(entry)

    def _write_head(self, entry: AuditEntry) -> None:
        write_whole(self._head_path(), _json(AuditHead(entry.sequence, entry.hash)).encode())

    def _read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._reading() as connection:
            return connection.execute(query).all()

    def _settled(self, name: str | None) -> list[tuple[Deployment, str]]:
        query = select(tables.DEPLOYMENTS).order_by(tables.DEPLOYMENTS.c.number)
        with self._reading() as connection:
            rows = connection.execute(query if name is None else query.where(tables.DEPLOYMENTS.c.name == name)).all()
            outcomes = _outcomes(connection)
        return [(_deployment(row), outcomes.get(row.number, ("pending", ""))[0]) for row in rows]

    def _head_path(self) -> Path:
        return self._path.with_name("audit.head")

    def _lock_path(self) -> Path:
        return self._path.with_name(f".{self._path.name}.lock")

    def _refusal(self, error: DBAPIError) -> UnavailableError:
        return UnavailableError(
            f"the ledger {str(self._path)!r} could not be used ({error.orig}); "
            "see that the disk has room, the folder can be written and no other program holds the file"
        )


def _append(connection: Connection, note: AuditNote, at: str, by: str) -> AuditEntry:
    last = _last_entries(connection)
    entry = chain(last[-1] if last else None, note, at=at, by=by)
    values = msgspec.structs.asdict(entry) | {"details": _json(entry.details)}
    connection.execute(insert(tables.AUDIT).values(values))
    return entry


def _last_entries(connection: Connection) -> tuple[AuditEntry, ...]:
    rows = connection.execute(select(tables.AUDIT).order_by(tables.AUDIT.c.sequence.desc()).limit(2)).all()
    return tuple(_audit_entry(row) for row in reversed(rows))


def _outcomes(connection: Connection) -> dict[int, tuple[str, str]]:
    events = tables.DEPLOYMENT_EVENTS
    rows = connection.execute(select(events).order_by(events.c.id)).all()
    return {row.number: (row.outcome, row.text) for row in rows}


def _audit_entry(row: Row[Any]) -> AuditEntry:
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


def _release(row: Row[Any]) -> Release:
    return Release(
        name=row.name,
        version=row.version,
        bundle=row.bundle,
        verdict=msgspec.json.decode(row.verdict, type=Verdict),
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(
        number=row.number,
        name=row.name,
        target=row.target,
        split=msgspec.json.decode(row.split, type=tuple[Share, ...]),
        strategy=row.strategy,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _trial_values(run: str, position: int, trial: Trial, chosen: bool, at: str) -> dict[str, Any]:
    return {
        "run": run,
        "position": position,
        "candidate": trial.candidate,
        "parameters": _json(trial.parameters),
        "scores": _json(trial.scores),
        "fit_s": float(trial.fit_s),
        "error": trial.error,
        "chosen": int(chosen),
        "at": at,
    }


def _trial_row(row: Row[Any]) -> TrialRow:
    scores = msgspec.json.decode(row.scores, type=tuple[float | None, ...])
    trial = Trial(
        candidate=row.candidate,
        parameters=msgspec.json.decode(row.parameters),
        scores=tuple(float("nan") if score is None else score for score in scores),
        fit_s=row.fit_s,
        error=row.error,
    )
    return TrialRow(run=row.run, position=row.position, trial=trial, chosen=bool(row.chosen), at=row.at)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_plain, order="sorted").decode()


def _plain(value: Any) -> Any:
    # Parameters and scores come from searches as numpy scalars, which have .item(); the rest is for people.
    return value.item() if hasattr(value, "item") else repr(value)
