"""SQLite: all that the ledger needs and that only SQLite says this way."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from golive.store.tables import APPEND_ONLY

WRITES = "golive_writes"
"""The execution option of a connection that is about to write."""

_PRAGMAS = (
    "PRAGMA busy_timeout = 20000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def open_engine(path: Path) -> Engine:
    """Open a database file; connections are opened for each transaction, so a fork never shares one."""
    engine = create_engine(URL.create("sqlite+pysqlite", database=str(path)), poolclass=NullPool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def protect(connection: Connection) -> None:
    """Let the database itself refuse to change or remove rows of append-only tables."""
    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            name = f"{table.name}_no_{action.lower()}"
            connection.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table.name} "
                    f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
                )
            )


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transactions would begin too late (at the first write); _begin does it instead.
    raw: Any = connection
    raw.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    # A write that begins as a read fails at once, whatever the busy timeout, when another writer was faster.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
