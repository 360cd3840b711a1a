"""Database: the file that the ledger is, opened, checked, and read or written in transactions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select
from sqlalchemy.exc import DBAPIError

from golive.errors import UnavailableError, VerificationError
from golive.store import tables
from golive.store.files import locked, refused
from golive.store.sqlite import WRITES, open_engine, protect


class Database:
    """One database file, for several processes and threads.

    Args:
        path: the file; made with its folder when it is not there.

    Raises:
        UnavailableError: the file cannot be opened or made.
        VerificationError: it was written by a newer golive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(path.parent, error) from error
        self._engine = open_engine(path)
        self._create()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out, for what is more than one transaction."""
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            yield

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads, so that all its answers are of one moment."""
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise self._refusal(error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; it holds whole or not at all."""
        try:
            with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise self._refusal(error) from error

    def read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Ask one thing."""
        with self.reading() as connection:
            return connection.execute(query).all()

    def _create(self) -> None:
        # Two processes that make the file at once would meet in the switch to write-ahead logging.
        with self.lock(), self.writing() as connection:
            tables.METADATA.create_all(connection)
            protect(connection)
            meta = tables.META
            found = connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar()
            if found is None:
                connection.execute(insert(meta).values(key="schema", value=str(tables.SCHEMA_VERSION)))
            elif int(found) != tables.SCHEMA_VERSION:
                message = (
                    f"{str(self.path)!r} has ledger format {found}, and this golive reads {tables.SCHEMA_VERSION}; "
                    "use the golive version that wrote it, or a newer one"
                )
                raise VerificationError(message)

    def _refusal(self, error: DBAPIError) -> UnavailableError:
        return UnavailableError(
            f"the ledger {str(self.path)!r} could not be used ({error.orig}); "
            "see that the disk has room, the folder can be written and no other program holds the file"
        )
