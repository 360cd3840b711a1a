"""SQL: a table of a database, read by key order and written in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import sqlalchemy as sa
import sqlalchemy.exc

from golive.adapters.tables.parquet import ParquetTable
from golive.domain.signature import Field
from golive.errors import DataError, MissingExtraError, UnavailableError
from golive.ports import Column, Rows, Slice

_READ_ROWS = 8_192
_SLICE_ROWS = 100_000
_INSERT_ROWS = 10_000
_WRITTEN = "predictions"
"""The table that is written where none is named."""
_OWN = ("table", "order")
_TYPES: tuple[tuple[type, Any], ...] = (
    (bool, pa.bool_()),
    (int, pa.int64()),
    (float, pa.float64()),
)


class SqlOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``data.options``, or the URL after its ``?``, may say."""

    table: str = ""
    order: str = ""
    """A column with another value in every row, none missing; without it the primary key (SQLite: also the rowid)."""


class SqlTable(ParquetTable):
    """Reads and writes tables of databases: ``sqlite:///file.db?table=t`` and other URLs of SQLAlchemy.

    A file that ends in ``.db``, ``.sqlite`` or ``.sqlite3`` is one of SQLite. Parts are Parquet files until they are
    delivered.
    """

    suffixes: tuple[str, ...] = (".db", ".sqlite", ".sqlite3")
    writes: tuple[str, ...] = suffixes
    has_types: bool = False

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield ``pyarrow.RecordBatch`` pieces with one schema.

        Raises:
            DataError: there is no such file or table, it has no rows, or nothing to order them by.
        """
        place = str(path)
        schema = self.schema(place, options, self.names(place, options))
        for part in self.slices(place, options, rows=_SLICE_ROWS):
            for rows in self.read_slice(place, part, options, fields=(), kept=schema):
                yield rows.kept

    def names(self, place: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Give the names of the columns.

        Raises:
            DataError: there is no such file or table, or it has no rows.
        """
        with _opened(place, options) as found:
            if found.connection.execute(sa.select(sa.literal(1)).select_from(found.table).limit(1)).first() is None:
                message = f"the table {found.table.name!r} of {found.place} has no rows; rows are needed"
                raise DataError(message)
            return tuple(column.name for column in found.table.columns)

    def schema(self, place: str, options: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Give the type of each column: as declared, and for SQLite, which keeps to no type, from all of its values."""
        with _opened(place, options) as found:
            return pa.schema([(name, _arrow_type(found, name)) for name in names])

    def slices(self, place: str, options: Mapping[str, Any], *, rows: int) -> Iterator[Slice]:
        """Cut by the order column: a slice is what is above the one bound and up to the other."""
        with _opened(place, options) as found:
            order, low = found.order, None
            while True:
                query = sa.select(order).select_from(found.table).order_by(order).offset(rows - 1).limit(1)
                row = found.connection.execute(query if low is None else query.where(order > low)).first()
                if row is None:
                    yield Slice((low, None))
                    return
                yield Slice((low, row[0]))
                low = row[0]

    def read_slice(
        self, place: str, part: Slice, options: Mapping[str, Any], *, fields: Sequence[Field], kept: Any
    ) -> Iterator[Rows]:
        """Read the rows of a slice in key order."""
        low, high = part.bounds
        with _opened(place, options) as found:
            there = [field.name for field in fields if field.name in found.table.columns]
            names = list(dict.fromkeys([*there, *kept.names]))
            columns = [found.table.columns[name] for name in names] or [sa.literal(1)]
            query = sa.select(*columns).select_from(found.table).order_by(found.order)
            query = query if low is None else query.where(found.order > low)
            query = query if high is None else query.where(found.order <= high)
            result = found.connection.execution_options(yield_per=_READ_ROWS).execute(query)
            for rows in result.partitions(_READ_ROWS):
                yield _rows(rows, names, there, kept)

    def state(self, place: str, options: Mapping[str, Any]) -> str:
        """Tell one state of a table from another by its number of rows and last key; empty: there is none."""
        try:
            with _opened(place, options) as found:
                query = sa.select(sa.func.count(), sa.func.max(found.order)).select_from(found.table)
                return " ".join(map(str, found.connection.execute(query).one()))
        except _NoTableError:
            return ""

    def deliver(self, whole: Path, place: str, options: Mapping[str, Any]) -> None:
        """Put a joined file into a table, instead of one of that name, in one transaction.

        Raises:
            UnavailableError: the database refuses; what was there is unchanged, where its DDL is transactional.
        """
        url, asked = _asked(place, options)
        name = asked.table or _WRITTEN
        file = pa.parquet.ParquetFile(whole)
        engine = _engine(url)
        try:
            with file, engine.connect() as connection:
                # pysqlite would open its transaction only before the first INSERT, after the DROP.
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                _replace(connection, name, file)
                connection.commit()
        except sqlalchemy.exc.SQLAlchemyError as error:
            message = f"{_shown(url)} refuses the table {name!r}: {_reason(error)}; mend that and use --resume"
            raise UnavailableError(message) from error
        finally:
            engine.dispose()
        whole.unlink()


class _NoTableError(DataError):
    """There is no such file or table."""


class _Found(msgspec.Struct):
    connection: Any
    table: Any
    order: Any
    place: str


def _asked(place: str, options: Mapping[str, Any]) -> tuple[Any, SqlOptions]:
    try:
        url = sa.make_url(place if "://" in place else f"sqlite:///{place}")
        own = {name: str(url.query[name]) for name in _OWN if name in url.query}
        asked = msgspec.convert({**own, **options}, SqlOptions)
    except sqlalchemy.exc.ArgumentError as error:
        message = (
            f"{place.partition('@')[2] or place!r} is no database URL; write one such as sqlite:///file.db?table=t"
        )
        raise DataError(message) from error
    except msgspec.ValidationError as error:
        message = f"the options of a database table cannot be used: {error}"
        raise DataError(message) from error
    return url.difference_update_query(_OWN), asked


def _shown(url: Any) -> str:
    return str(url.render_as_string(hide_password=True))


def _engine(url: Any) -> Any:
    try:
        return sa.create_engine(url)
    except ModuleNotFoundError as error:
        message = f"the driver of {url.drivername!r} is not installed; pip install {error.name} brings it"
        raise MissingExtraError(message) from error
    except sqlalchemy.exc.NoSuchModuleError as error:
        message = f"{url.drivername!r} is no database that SQLAlchemy knows here; install its dialect or mend the URL"
        raise DataError(message) from error


@contextmanager
def _opened(place: str, options: Mapping[str, Any]) -> Iterator[_Found]:
    url, asked = _asked(place, options)
    if url.get_backend_name() == "sqlite" and url.database not in {None, ":memory:"}:
        path = Path(str(url.database))
        if not path.is_file():
            message = f"there is no file {path}; check its name"
            raise _NoTableError(message)
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            table = _table(connection, asked, _shown(url))
            yield _Found(connection, table, _order(connection, table, asked, _shown(url)), _shown(url))
    except sqlalchemy.exc.SQLAlchemyError as error:
        message = f"{_shown(url)} cannot be read: {_reason(error)}; check the URL and that the database answers"
        raise (UnavailableError if isinstance(error, sqlalchemy.exc.OperationalError) else DataError)(
            message
        ) from error
    finally:
        engine.dispose()


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def _table(connection: Any, asked: SqlOptions, shown: str) -> Any:
    inspector = sa.inspect(connection)
    try:
        tables = [*inspector.get_table_names(), *inspector.get_view_names()]
    except sqlalchemy.exc.DatabaseError as error:
        message = f"{shown} cannot be read as a database: {_reason(error)}"
        raise DataError(message) from error
    name = asked.table or (tables[0] if len(tables) == 1 else "")
    if not name and tables:
        message = f"{shown} has several tables ({', '.join(tables[:20])}); name one with table="
        raise DataError(message)
    if name not in tables:
        message = f"{shown} has no table {name!r}; it has: {', '.join(tables[:20]) or 'none'}"
        raise _NoTableError(message)
    return sa.Table(name, sa.MetaData(), autoload_with=connection)


def _order(connection: Any, table: Any, asked: SqlOptions, shown: str) -> Any:
    if asked.order:
        if asked.order not in table.columns:
            message = f"the table {table.name!r} of {shown} has no column {asked.order!r} to order by; mend order="
            raise DataError(message)
        return table.columns[asked.order]
    keys = list(table.primary_key.columns)
    if len(keys) == 1:
        return keys[0]
    if not keys and connection.dialect.name == "sqlite":
        return sa.literal_column("rowid", sa.Integer)
    message = (
        f"the table {table.name!r} of {shown} has no primary key of one column; name a column with another value in "
        "every row, with order="
    )
    raise DataError(message)


def _arrow_type(found: _Found, name: str) -> Any:
    column = found.table.columns[name]
    if found.connection.dialect.name == "sqlite":
        kinds = {row[0] for row in found.connection.execute(sa.select(sa.func.typeof(column)).distinct())} - {"null"}
        by_kinds = {frozenset({"integer"}): pa.int64(), frozenset({"text"}): pa.string(), frozenset(): pa.float64()}
        if kinds <= {"integer", "real"} and "real" in kinds:
            return pa.float64()
        return by_kinds.get(frozenset(kinds), pa.string())
    try:
        python = column.type.python_type
    except NotImplementedError:
        return pa.string()
    return next((kind for known, kind in _TYPES if python is known), pa.string())


def _rows(rows: Sequence[Any], names: Sequence[str], there: Sequence[str], kept: Any) -> Rows:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if names else {}
    passed = [pa.array([_fitting(value, field.type) for value in columns[field.name]], field.type) for field in kept]
    return Rows(
        inputs={name: _objects(columns[name]) for name in there},
        kept=pa.RecordBatch.from_arrays(passed, schema=kept)
        if passed
        else pa.RecordBatch.from_struct_array(pa.array([{}] * len(rows), pa.struct([]))),
        seen=len(rows),
    )


def _fitting(value: Any, kind: Any) -> Any:
    if value is None or not pa.types.is_string(kind) or isinstance(value, str):
        return value
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if callable(isoformat) else value)


def _objects(values: Sequence[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    # A database's decimal number is a number.
    column[:] = [float(value) if type(value).__name__ == "Decimal" else value for value in values]
    return column


def _replace(connection: Any, name: str, file: Any) -> None:
    connection.execute(sa.schema.DropTable(sa.Table(name, sa.MetaData()), if_exists=True))
    table = sa.Table(name, sa.MetaData(), *[sa.Column(one.name, _sql_type(one.type)) for one in file.schema_arrow])
    connection.execute(sa.schema.CreateTable(table))
    for batch in file.iter_batches(batch_size=_INSERT_ROWS):
        connection.execute(sa.insert(table), batch.to_pylist())


def _sql_type(kind: Any) -> Any:
    if pa.types.is_boolean(kind):
        return sa.Boolean()
    if pa.types.is_integer(kind):
        return sa.BigInteger()
    if pa.types.is_floating(kind):
        return sa.Double()
    if pa.types.is_date(kind):
        return sa.Date()
    return sa.DateTime() if pa.types.is_timestamp(kind) else sa.Text()
