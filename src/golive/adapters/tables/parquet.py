"""Parquet: a columnar file as Arrow record batches."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from golive.errors import DataError

_BATCH_ROWS = 65_536


class ParquetTable:
    """Reads ``.parquet`` files; it has no options."""

    suffixes: tuple[str, ...] = (".parquet", ".pq")

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield ``pyarrow.RecordBatch`` pieces with the file's schema.

        Raises:
            DataError: the file is missing, is not Parquet, has no rows, or has columns of the same name.
        """
        if options:
            message = f"a Parquet file has no options, data.options has {', '.join(map(repr, options))}; remove them"
            raise DataError(message)
        if not path.is_file():
            message = f"there is no file {path}; check data.file in golive.yaml (it is relative to golive.yaml)"
            raise DataError(message)
        try:
            file = pa.parquet.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            message = f"{path} cannot be read as Parquet: {error}"
            raise DataError(message) from error
        with file:
            _check(path, file)
            yield from file.iter_batches(batch_size=_BATCH_ROWS)


def _check(path: Path, file: Any) -> None:
    doubled = [name for name, count in Counter(file.schema_arrow.names).items() if count > 1]
    if doubled:
        message = f"{path} has several columns named {', '.join(map(repr, doubled))}; give every column its own name"
        raise DataError(message)
    if file.metadata.num_rows == 0:
        message = f"{path} has columns but no rows; rows are needed"
        raise DataError(message)
