"""Ledger: trials, releases, deployments, keys and the audit log, in one database file; each noun has its own file."""

from collections.abc import Sequence
from pathlib import Path

from golive.domain.api_key import KeyRow
from golive.domain.audit import AuditEntry, AuditHead, AuditNote
from golive.domain.digest import Digest
from golive.domain.naming import checked_name
from golive.domain.policy import Verdict
from golive.domain.release import Deployment, Release, Share, Strategy, check_shares, check_strategy
from golive.domain.trial import Trial
from golive.errors import UsageError
from golive.store import api_keys, deployments, releases, trials
from golive.store.audit_log import AuditLog, append
from golive.store.database import Database
from golive.store.deployments import Settled, SettledAs
from golive.store.trials import TrialRow


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
        self._database = Database(path)
        self._audit = AuditLog(self._database)

    def add_trials(self, run: str, tried: Sequence[Trial], *, chosen: int, at: str) -> None:
        """Keep the trials of a training run; a run that is there already is left as it is.

        Args:
            run: what names the run.
            tried: in order.
            chosen: the position of the winner.
            at: when the run ended.
        """
        with self._database.writing() as connection:
            trials.add(connection, run, tried, chosen=chosen, at=at)

    def trials(self, run: str | None = None) -> tuple[TrialRow, ...]:
        """Give the trials of one run, or of all, oldest run first."""
        with self._database.reading() as connection:
            return trials.find(connection, run)

    def runs(self) -> tuple[str, ...]:
        """Name the training runs, oldest first."""
        with self._database.reading() as connection:
            return trials.runs(connection)

    def add_release(self, name: str, bundle: Digest, verdict: Verdict, *, at: str, by: str) -> Release:
        """Write down that a bundle may serve, under the next version of its name.

        Raises:
            UsageError: the name cannot be used, or the verdict is about another bundle.
        """
        checked_name(name)
        if verdict.bundle != bundle:
            message = f"the verdict is about {verdict.bundle!r}, not about {bundle!r}; judge the bundle to be released"
            raise UsageError(message)
        with self._audit.administering() as connection:
            return releases.add(connection, name, bundle, verdict, at=at, by=by)

    def release(self, name: str, version: int) -> Release:
        """Give one release.

        Raises:
            NotFoundError: there is none of that name and version.
        """
        with self._database.reading() as connection:
            return releases.get(connection, name, version)

    def releases(self, name: str | None = None) -> tuple[Release, ...]:
        """Give the releases of one name, or of all, by name and version."""
        with self._database.reading() as connection:
            return releases.find(connection, name)

    def add_deployment(
        self, name: str, target: str, split: Sequence[Share], *, strategy: Strategy, reason: str, at: str, by: str
    ) -> Deployment:
        """Write down a wish. An empty split means that the name should no longer serve on the target.

        Raises:
            UsageError: the shares do not sum to 1, or there is no such strategy.
            NotFoundError: a version was never released.
        """
        check_strategy(strategy)
        if split:
            check_shares(name, split)
        with self._audit.administering() as connection:
            for part in split:
                releases.get(connection, name, part.version)
            return deployments.add(connection, name, target, split, strategy=strategy, reason=reason, at=at, by=by)

    def settle(self, number: int, outcome: SettledAs, text: str, *, at: str, by: str = "golive") -> None:
        """Write down how a deployment came out; the same outcome again changes nothing.

        Raises:
            NotFoundError: there is no such deployment.
        """
        with self._audit.administering() as connection:
            deployments.settle(connection, number, outcome, text, at=at, by=by)

    def deployments(self, name: str | None = None) -> tuple[Deployment, ...]:
        """Give the deployments of one name, or of all, oldest first."""
        return tuple(wish.deployment for wish in self.wishes(name))

    def wishes(self, name: str | None = None) -> tuple[Settled, ...]:
        """Give the deployments of one name, or of all, each with how it came out, oldest first."""
        with self._database.reading() as connection:
            return deployments.find(connection, name=name)

    def outcome(self, number: int) -> str:
        """Say how a deployment came out: ``live``, ``failed: <why>`` or ``pending``.

        Raises:
            NotFoundError: there is no such deployment.
        """
        with self._database.reading() as connection:
            return deployments.get(connection, number).words

    def wanted(self, target: str) -> tuple[Settled, ...]:
        """Give what should serve on a target, and whether it came true: of each name the latest that did not fail."""
        with self._database.reading() as connection:
            return deployments.latest(deployments.find(connection, target=target))

    def desired(self, target: str) -> tuple[Deployment, ...]:
        """Give what should serve on a target: of each name the latest deployment that did not fail."""
        return tuple(wish.deployment for wish in self.wanted(target))

    def lived(self, name: str) -> tuple[Deployment, ...]:
        """Give the deployments of a name that went live, oldest first."""
        return tuple(wish.deployment for wish in self.wishes(name) if wish.outcome == "live")

    def serving(self, name: str) -> Deployment | None:
        """Give the latest deployment of a name that went live, or None when nothing of it serves."""
        lived = self.lived(name)
        return lived[-1] if lived and lived[-1].split else None

    def add_key(self, key_id: str, key_hash: bytes, *, label: str, at: str, by: str) -> None:
        """Keep the hash of a new API key."""
        with self._audit.administering() as connection:
            api_keys.add(connection, key_id, key_hash, label=label, at=at, by=by)

    def revoke_key(self, key_id: str, *, at: str, by: str) -> None:
        """Make a key invalid; revoking it again changes nothing.

        Raises:
            NotFoundError: there is no such key.
        """
        with self._audit.administering() as connection:
            api_keys.revoke(connection, key_id, at=at, by=by)

    def keys(self) -> tuple[KeyRow, ...]:
        """Give all keys, revoked ones included, oldest first."""
        with self._database.reading() as connection:
            return api_keys.find(connection)

    def note(self, note: AuditNote, *, at: str, by: str) -> AuditEntry:
        """Append one entry to the audit log.

        Raises:
            AuditError: the log was cut short or its end replaced; nothing is written, so the trace stays.
        """
        with self._audit.administering() as connection:
            return append(connection, note, at, by)

    def audit_entries(self) -> tuple[AuditEntry, ...]:
        """Give the whole audit log, oldest first, unchecked (``golive.security.audit.verify`` checks it)."""
        return self._audit.entries()

    def audit_head(self) -> AuditHead | None:
        """Give the entry that the head file names as the last one, or None without such a file.

        Raises:
            AuditError: the head file cannot be read.
        """
        return self._audit.head()
