"""Records on disk: predicted rows in, Parquet parts by name, version and day out, and back as columns."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from golive.domain.naming import checked_name
from golive.domain.record import Records
from golive.domain.signature import Signature
from golive.errors import DataError, GoliveError, UnavailableError
from golive.monitoring.record_batch import ID, batch_of, rows_where
from golive.store.files import refused, write_whole

Columns = dict[str, npt.NDArray[Any]]

_REPLACES = b"golive.replaces"
_ATTEMPTS = 5
_DAY_NS = 86_400 * 10**9

FLUSH_ROWS = 50_000
SOON_S = 1.0
SOON_WRITES = 100
LATER_S = 10.0
"""What waits is written after a second, so that predictions are soon seen; after 100 writes within an hour, every
10 seconds, so that a day of steady traffic does not leave a file for each second."""
_HOUR_S = 3600.0
COMPACT_ROWS = 1_000_000


class RecordWriter:
    """Collects Records and writes them as Parquet parts: 50,000 rows, or what has come within 1 or 10 s.

    A part appears whole, by one rename: ``<folder>/<name>/v<version>/<day, UTC>/<at>-<pid>-<n>.parquet``. To be used
    from one thread; several processes may write the same folder.

    Args:
        folder: where the parts go.
        signatures: the signature of each name, or of each (name, version), which goes first; it may grow later.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        folder: Path,
        signatures: Mapping[str, Signature] | Mapping[tuple[str, int], Signature],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._signatures: Mapping[Any, Signature] = signatures
        self._clock = clock
        self._waiting: dict[tuple[str, int, str], list[pa.RecordBatch]] = {}
        self._rows = 0
        self._since = 0.0
        self._hour_since = clock()
        self._writes = 0
        self._parts = 0
        self._failure: GoliveError | None = None
        self.dropped = 0
        """Records that were not kept: no signature was known, they did not fit it, or the disk refused."""

    def append(self, records: Records) -> None:
        """Take some records, and write what is waiting when it is due; a failure is raised by the next flush."""
        signature = self._signatures.get((records.name, records.version)) or self._signatures.get(records.name)
        if signature is None:
            self.dropped += len(records)
            return
        try:
            batch = batch_of(records, signature)
        except DataError as error:
            self.dropped += len(records)
            self._failure = error
            return
        if not self._waiting:
            self._since = self._clock()
        for day, part in _by_day(batch, records.at_ns):
            self._waiting.setdefault((records.name, records.version, day), []).append(part)
        self._rows += len(records)
        if self._rows >= FLUSH_ROWS or self._is_due():
            self._write_waiting()

    def flush_due(self) -> None:
        """Write what is waiting if it has waited long enough; call it every now and then. Raises as ``flush`` does."""
        if self._is_due():
            self.flush()

    def flush(self) -> None:
        """Write all that is waiting.

        Raises:
            UnavailableError: since the last flush the disk was full or refused; those records are dropped and counted.
            DataError: records did not fit the signature; they are dropped and counted.
        """
        self._write_waiting()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _is_due(self) -> bool:
        wait_s = SOON_S if self._writes < SOON_WRITES else LATER_S
        return bool(self._waiting) and self._clock() - self._since >= wait_s

    def _write_waiting(self) -> None:
        if self._clock() - self._hour_since >= _HOUR_S:
            self._hour_since, self._writes = self._clock(), 0
        self._writes += bool(self._waiting)
        waiting, self._waiting, self._rows = self._waiting, {}, 0
        for (name, version, day), batches in waiting.items():
            try:
                self._write(self._folder / checked_name(name) / f"v{version}" / day, pa.Table.from_batches(batches))
            except GoliveError as error:
                self.dropped += sum(map(len, batches))
                self._failure = error

    def _write(self, folder: Path, table: pa.Table) -> None:
        content = _parquet(table)
        self._parts += 1
        first = table["at"][0].value
        write_whole(_made(folder) / f"{first}-{os.getpid()}-{self._parts}.parquet", content)


def count_records(folder: Path, name: str, *, version: int | None = None) -> int:
    """Count the records of a name, or of one version of it, without reading them."""
    days = (day for place in _versions(folder, name, version) for day in place.glob("????-??-??"))
    return sum(part.metadata.num_rows for day in days for part in _parts(day))


def read_records(
    folder: Path, name: str, *, version: int | None = None, since_ns: int | None = None, newest: int | None = None
) -> Columns:
    """Read the records of a name in time order.

    Args:
        folder: where a :class:`RecordWriter` wrote.
        name: the model's name.
        version: one version, or None for all.
        since_ns: only records at or after this Unix time in nanoseconds.
        newest: only so many, the latest; older days and parts are not read. None for all.

    Returns:
        Column -> array, all of one length: ``id`` (object), ``at`` (int64, ns), ``version`` (int64), ``duration_us``
        (float64), the inputs under :func:`input_column` (float64 with NaN for missing, or object with None) and the
        outputs (float64). Empty arrays of the first four columns when there is nothing.
    """
    first = "" if since_ns is None else _day_of(since_ns)
    days: dict[str, list[Path]] = {}
    for place in _versions(folder, name, version):
        for day in place.glob("????-??-??"):
            if day.name >= first:
                days.setdefault(day.name, []).append(day)
    columns = _joined([_columns(table) for table in _tables(days, newest)])
    if since_ns is not None:
        keep = columns["at"] >= since_ns
        columns = {column: values[keep] for column, values in columns.items()}
    order = np.argsort(columns["at"], kind="stable")
    if newest is not None:
        order = order[max(0, len(order) - newest) :]
    return {column: values[order] for column, values in columns.items()}


def compact(folder: Path, *, before: str) -> int:
    """Join the small parts of days before ``before`` (``YYYY-MM-DD``) and give the number of parts that went away.

    The joined part names those it replaces, and readers pass over these, so a crash between writing it and removing
    them counts no row twice.

    Raises:
        UnavailableError: the disk is full or refuses; all records are still there.
    """
    removed = 0
    for day in sorted(folder.glob("*/v*/????-??-??")):
        if day.name < before:
            removed += _compact_day(day)
    return removed


def prune(folder: Path, keep_days: int, now: datetime) -> tuple[Path, ...]:
    """Remove the records of days that ended more than ``keep_days`` days before ``now``; give the removed folders."""
    first_kept = (now.astimezone(UTC).date() - timedelta(days=keep_days)).isoformat()
    old = tuple(day for day in sorted(folder.glob("*/v*/????-??-??")) if _is_day(day.name) and day.name < first_kept)
    for day in old:
        shutil.rmtree(day)
    return old


def _by_day(batch: pa.RecordBatch, at_ns: npt.NDArray[np.int64]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Cut a batch into one for each day of its records."""
    days = at_ns // _DAY_NS
    for day in np.unique(days).tolist():
        kept = days == day
        yield _day_of(day * _DAY_NS), batch if kept.all() else rows_where(batch, kept)


def _parquet(table: pa.Table) -> bytes:
    stream = pa.BufferOutputStream()
    texts = [field.name for field in table.schema if pa.types.is_string(field.type) and field.name != ID]
    pq.write_table(
        table,
        stream,
        # Measured: a quarter of the time of zstd with dictionaries for all columns, and no larger. Snappy is the
        # compression that every reader of Parquet knows.
        compression="snappy",
        use_dictionary=["version", *texts],
        column_encoding={ID: "DELTA_BYTE_ARRAY", "at": "DELTA_BINARY_PACKED"},
        write_statistics=["at"],
    )
    return stream.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error
    return folder


def _versions(folder: Path, name: str, version: int | None) -> tuple[Path, ...]:
    place = folder / checked_name(name)
    return tuple(sorted(place.glob("v*"))) if version is None else (place / f"v{version}",)


def _tables(days: Mapping[str, Sequence[Path]], newest: int | None) -> list[pa.Table]:
    """Read the latest days first, and of each folder the latest parts, until there are ``newest`` rows."""
    tables: list[pa.Table] = []
    for name in sorted(days, reverse=True):
        missing = None if newest is None else newest - sum(table.num_rows for table in tables)
        if missing is not None and missing <= 0:
            break
        # Each version of this day may have all the rows that are missing.
        tables += [table for day in days[name] for table in _of_day(day, missing)]
    return tables


def _of_day(day: Path, newest: int | None) -> list[pa.Table]:
    tables: list[pa.Table] = []
    for part in reversed(_parts(day)):
        if newest is not None and sum(table.num_rows for table in tables) >= newest:
            break
        tables.append(part.read())
    return tables


def _parts(day: Path) -> tuple[pq.ParquetFile, ...]:
    """Open the parts of a day that no other part replaces, oldest first."""
    for _ in range(_ATTEMPTS):
        try:
            # Opened, they stay readable when another process joins them.
            parts = {path.name: pq.ParquetFile(path) for path in sorted(day.glob("*.parquet"))}
        except FileNotFoundError:
            continue  # another process has just joined some parts: look again
        replaced = {name for part in parts.values() for name in _replaces(part.schema_arrow)}
        return tuple(part for name, part in parts.items() if name not in replaced)
    message = f"the records in {str(day)!r} change faster than they can be read; try again"
    raise UnavailableError(message)


def _replaces(schema: pa.Schema) -> tuple[str, ...]:
    return tuple(json.loads((schema.metadata or {}).get(_REPLACES, b"[]")))


def _columns(table: pa.Table) -> Columns:
    columns: Columns = {}
    for name in table.column_names:
        column = table.column(name)
        if name == "at":
            columns[name] = column.cast(pa.int64()).to_numpy()
        elif pa.types.is_string(column.type):
            columns[name] = np.array(column.to_pylist(), dtype=np.object_)
        else:
            columns[name] = column.to_numpy().astype(np.int64 if name == "version" else np.float64)
    return columns


def _joined(parts: Sequence[Columns]) -> Columns:
    empty: Columns = {
        ID: np.array([], dtype=np.object_),
        "at": np.array([], dtype=np.int64),
        "version": np.array([], dtype=np.int64),
        "duration_us": np.array([], dtype=np.float64),
    }
    names = dict.fromkeys(name for part in (empty, *parts) for name in part)
    return {name: _joined_column(name, parts) if parts else empty[name] for name in names}


def _joined_column(name: str, parts: Sequence[Columns]) -> npt.NDArray[Any]:
    """Join one column; versions that do not have it count as missing."""
    found = [part[name] for part in parts if name in part]
    as_text = any(values.dtype == np.object_ for values in found)
    pieces = [
        part[name] if name in part else np.full(len(part["at"]), None if as_text else np.nan, dtype=found[0].dtype)
        for part in parts
    ]
    return np.concatenate([piece.astype(np.object_) for piece in pieces] if as_text else pieces)


def _compact_day(day: Path) -> int:
    removed = 0
    for group in _small_groups(day):
        parts = {path: pq.ParquetFile(path).read() for path in group}
        replaced = {name for table in parts.values() for name in _replaces(table.schema)}
        tables = [table.replace_schema_metadata(None) for path, table in parts.items() if path.name not in replaced]
        # Not sorted: readers do that, and here it would double the time.
        joined = pa.concat_tables(tables, promote_options="default")
        names = json.dumps(sorted(path.name for path in group)).encode()
        first = min(path.name for path in group).removesuffix(".parquet")
        write_whole(day / f"{first}-joined.parquet", _parquet(joined.replace_schema_metadata({_REPLACES: names})))
        for path in group:
            path.unlink(missing_ok=True)
        removed += len(group)
    return removed


def _small_groups(day: Path) -> Iterator[list[Path]]:
    group: list[Path] = []
    rows = 0
    for path in sorted(day.glob("*.parquet")):
        size = pq.ParquetFile(path).metadata.num_rows
        if rows + size > COMPACT_ROWS and len(group) > 1:
            yield group
            group, rows = [], 0
        if size < COMPACT_ROWS:
            group.append(path)
            rows += size
    if len(group) > 1:
        yield group


def _day_of(at_ns: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=at_ns // _DAY_NS)).isoformat()


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
