"""Record batch: records in, one Arrow batch out, with a column for each input and output; no value is copied twice."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from golive.domain.record import Records, Texts, Values, texts_of
from golive.domain.signature import Field, Signature
from golive.errors import DataError
from golive.inference.values import text_of

ID = "id"
PREDICTION = "prediction"
_OWN = (ID, "at", "version", "duration_us", PREDICTION)
_CLASS = "p_"
_INPUT = "input."


def input_column(name: str) -> str:
    """Name the column of an input: its own name, or ``input.<name>`` where that could mean something else."""
    return f"{_INPUT}{name}" if name in _OWN or name.startswith((_CLASS, _INPUT)) else name


def output_columns(signature: Signature) -> tuple[str, ...]:
    """Name the columns of the outputs: ``prediction``, or ``p_<class>`` for each class."""
    return tuple(_CLASS + label for label in signature.classes) or (PREDICTION,)


def batch_of(records: Records, signature: Signature) -> pa.RecordBatch:
    """Put records into an Arrow batch of ``n`` rows; missing values are null.

    Its columns: ``id`` (string), ``at`` (timestamp, ns, UTC), ``version`` (int32), ``duration_us`` (float64), each
    input under :func:`input_column` (float64 or string) and each output under :func:`output_columns` (float64).

    Raises:
        DataError: the records do not fit the signature, or a text is not UTF-8.
    """
    try:
        return _fitted(records, signature)
    except (ValueError, TypeError, OverflowError) as error:
        message = (
            f"records of {records.name!r} version {records.version} do not fit its signature ({error}); "
            f"rows that were not kept: {len(records)}"
        )
        raise DataError(message) from error


def rows_where(batch: pa.RecordBatch, kept: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    """Give the rows of a batch for which ``kept`` (``[n]``) is true."""
    return batch.filter(pa.Array.from_buffers(pa.bool_(), len(kept), [None, _bits(kept)]))


# Arrays are made from buffers throughout: ``pyarrow.array`` loads pandas into the process, which takes 40 MiB.


def _fitted(records: Records, signature: Signature) -> pa.RecordBatch:
    count = len(records)
    columns = {
        ID: _texts(records.ids),
        "at": _array(pa.timestamp("ns", "UTC"), records.at_ns),
        "version": _array(pa.int32(), np.full(count, records.version, dtype=np.int32)),
        "duration_us": _array(pa.float64(), records.duration_us),
    }
    for field, values in zip(signature.inputs, records.inputs, strict=True):
        columns[input_column(field.name)] = _input(field, values, count)
    for name, outputs in zip(output_columns(signature), records.outputs, strict=True):
        columns[name] = _numbers(outputs)
    return pa.record_batch(columns)


def _input(field: Field, values: Values, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, pa.string() if field.dtype == "string" else pa.float64())
    if field.dtype == "string":
        return _categories(values)
    if isinstance(values, Texts):
        message = f"field {field.name!r} is a number, but texts were recorded"
        raise TypeError(message)
    return _numbers(values)


def _categories(values: Texts | npt.NDArray[Any]) -> pa.Array:
    if isinstance(values, Texts):
        return _texts(values)
    if values.dtype.kind == "i":
        return _array(pa.int64(), values).cast(pa.string())
    # Callers may write categories that are numbers as such; here with gaps or fractions among them.
    return _texts(texts_of([text_of(value) for value in values.tolist()]))


def _numbers(values: npt.NDArray[Any]) -> pa.Array:
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    return _array(pa.float64(), numbers, missing=np.isnan(numbers))


def _texts(texts: Texts) -> pa.Array:
    missing = texts.lengths < 0
    offsets = np.zeros(len(missing) + 1, dtype=np.int32)
    np.cumsum(np.maximum(texts.lengths, 0), out=offsets[1:])
    validity = _bits(~missing) if missing.any() else None
    array = pa.StringArray.from_buffers(len(missing), pa.py_buffer(offsets), pa.py_buffer(texts.utf8), validity)
    array.validate(full=True)
    return array


def _array(kind: pa.DataType, values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    validity = _bits(~missing) if missing is not None and missing.any() else None
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)])


def _bits(flags: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
