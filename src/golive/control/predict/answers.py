"""Answers: rows of a table in, a record batch of kept columns and predictions out, and the rows that have none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from golive.control.predict.order import Refused
from golive.domain.signature import DType, Field, Signature
from golive.errors import InvalidRowError
from golive.inference.ranking import ranking_columns, ranking_of
from golive.inference.road import Road
from golive.inference.values import text_of
from golive.ports import Column, Float64, Rows

PREDICTION = "prediction"
_CHUNK_ROWS = 8_192
"""So many rows of ten numbers stay in the cache of a core from the first check to the answer."""
_TYPES: dict[DType, Any] = {
    "float64": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}


def answer_fields(signature: Signature, *, probabilities: bool) -> list[Any]:
    """Give the ``pyarrow.Field`` of each column that is added to the kept ones."""
    added = [pa.field(PREDICTION, _TYPES[signature.class_dtype] if signature.classes else pa.float64())]
    if probabilities:
        added += [pa.field(f"probability_{name}", pa.float64()) for name in signature.classes]
    kinds = (added[0].type, pa.float64()) * signature.top_k
    return added + [pa.field(name, kind) for name, kind in zip(ranking_columns(signature.top_k), kinds, strict=True)]


class Answering:
    """A road that takes Arrow data. Call it from one thread at a time."""

    def __init__(self, road: Road, kept: Any, *, probabilities: bool, skip: bool) -> None:
        self._road = road
        self._fields = road.signature.inputs
        self._are_numbers = all(field.dtype != "string" for field in self._fields)
        self._skip = skip
        self._added = answer_fields(road.signature, probabilities=probabilities)
        classes = road.signature.classes
        self._labels = _Labels(self._added[0].type) if classes else None
        self._shares = len(classes) if probabilities else 0
        self._ranking = ranking_of(road.signature)
        self.schema = pa.schema([*kept, *self._added])

    def answer(self, rows: Rows) -> tuple[Any, list[Refused]]:
        """Predict: (record batch of the rows that have an answer, the others by their position among the seen).

        Without ``skip`` the first row that has no answer is the only one told, and the batch is not to be used.
        """
        columns = {
            field.name: plain(field, rows.inputs[field.name]) for field in self._fields if field.name in rows.inputs
        }
        refused = [Refused(*one) for one in rows.refused]
        answers, bad = [], []
        for start in range(0, rows.kept.num_rows, _CHUNK_ROWS):
            chunk = {name: values[start : start + _CHUNK_ROWS] for name, values in columns.items()}
            try:
                answers.append(self._predict(chunk))
            except InvalidRowError:
                found = self._refusals(chunk)
                bad += [(start + row, reason) for row, reason in found]
                if not self._skip:
                    break
                answers.append(self._rest(chunk, found))
        refused += [Refused(rows.positions[row] if rows.positions else row, reason) for row, reason in bad]
        refused.sort(key=lambda one: one.position)
        if refused and not self._skip:
            return None, refused[:1]
        return self._batch(_without(rows.kept, [row for row, _ in bad]), answers), refused

    def _predict(self, columns: Mapping[str, Column]) -> Float64:
        if self._are_numbers and len(columns) == len(self._fields):
            matrix = _side_by_side([columns[field.name] for field in self._fields])
            if matrix is not None:
                beside = {field.name: matrix[:, index] for index, field in enumerate(self._fields)}
                return self._road.session.run(*self._road.front.columns(beside, matrix))
        return self._road.columns(columns)

    def _rest(self, columns: Mapping[str, Column], found: Sequence[tuple[int, str]]) -> Float64:
        bad = [row for row, _ in found]
        return self._predict({name: np.delete(values, bad) for name, values in columns.items()})

    def _refusals(self, columns: Mapping[str, Column]) -> list[tuple[int, str]]:
        lists = [columns[field.name].tolist() if field.name in columns else None for field in self._fields]
        count = len(next(iter(columns.values())))
        found = []
        for row in range(count):
            try:
                self._road.front.rows([[None if values is None else values[row] for values in lists]])
            except InvalidRowError as error:
                found.append((row, error.message))
                if not self._skip:
                    break
        return found

    def _batch(self, kept: Any, answers: Sequence[Float64]) -> Any:
        width = max(1, len(self._road.signature.classes))
        predictions = np.concatenate(answers) if answers else np.empty((0, width))
        if self._labels is None:
            added = [_floats(predictions[:, 0])]
        else:
            added = [self._labels.array(self._road.labels(predictions))]
        added += [_floats(predictions[:, index]) for index in range(self._shares)]
        if self._ranking is not None and self._labels is not None:
            ranked = self._ranking(predictions)
            for place in range(self._ranking.width):
                added.append(self._labels.array([labels[place] for labels in ranked.labels]))
                added.append(_floats(ranked.probabilities[:, place]))
        return pa.RecordBatch.from_arrays([*kept.columns, *added], schema=self.schema)


class _Labels:
    """Arrow arrays of labels: each distinct one becomes an Arrow value once."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._codes: dict[Any, int] = {}
        self._values = pa.nulls(0, kind)

    def array(self, labels: Sequence[Any]) -> Any:
        codes = self._codes
        new = set(labels) - codes.keys()
        if new:
            for label in new:
                codes[label] = len(codes)
            self._values = _strings([text_of(label) or "" for label in codes]).cast(self._kind)
        indices = np.fromiter(map(codes.__getitem__, labels), np.int64, len(labels))
        return self._values.take(pa.Array.from_buffers(pa.int64(), len(indices), [None, pa.py_buffer(indices)]))


def _floats(values: Float64) -> Any:
    # pa.array would load pandas, where that is installed, to see that an array is none of its own.
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _strings(texts: Sequence[str]) -> Any:
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def plain(field: Field, values: Any) -> Column:
    """Give a column as numpy has it: numbers without an object for any of them, texts as objects that are shared."""
    if isinstance(values, np.ndarray):
        return values
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    kind = values.type
    if field.dtype != "string" and _is_number(kind):
        return _numbers(values, kind)
    if field.dtype == "string" and (_is_text(kind) or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))):
        return _texts(values)
    if pa.types.is_timestamp(kind):
        # Nanoseconds become objects of a data-frame library, which need not be there.
        values = values.cast(pa.timestamp("us", kind.tz), safe=False)
    objects = np.empty(len(values), dtype=object)
    objects[:] = values.to_pylist()
    return objects


def _is_number(kind: Any) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(test(kind) for test in tests)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _numbers(values: Any, kind: Any) -> Column:
    floats = values if kind == pa.float64() else values.cast(pa.float64(), safe=False)
    numbers = _viewed(floats, np.dtype(np.float64))
    if not floats.null_count:
        return numbers
    valid = np.unpackbits(np.frombuffer(floats.buffers()[0], np.uint8), bitorder="little")
    return np.where(valid[floats.offset : floats.offset + len(floats)], numbers, np.nan)


def _viewed(values: Any, kind: np.dtype[Any]) -> Column:
    """Look at the buffer of an Arrow array; its own to_numpy loads pandas first, where that is installed."""
    if not len(values):
        return np.empty(0, kind)
    viewed: Column = np.frombuffer(values.buffers()[1], kind, len(values), values.offset * kind.itemsize)
    return viewed


def _texts(values: Any) -> Column:
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    texts = [*encoded.dictionary.to_pylist(), None]
    objects = np.empty(len(texts), dtype=object)
    objects[:] = texts
    codes = encoded.indices.cast(pa.int64()).fill_null(len(texts) - 1)
    taken: Column = objects[_viewed(codes, np.dtype(np.int64))]
    return taken


def _side_by_side(columns: Sequence[Column]) -> Float64 | None:
    """Give float64 ``[rows, columns]``, or None where a value is no number."""
    if any(column.dtype == object for column in columns):
        return None
    matrix = np.empty((len(columns[0]), len(columns)), dtype=np.float64)
    for index, column in enumerate(columns):
        matrix[:, index] = column
    return matrix


def _without(batch: Any, rows: Sequence[int]) -> Any:
    if not rows:
        return batch
    keep = np.ones(batch.num_rows, dtype=np.bool_)
    keep[list(rows)] = False
    left = np.flatnonzero(keep)
    return batch.take(pa.Array.from_buffers(pa.int64(), len(left), [None, pa.py_buffer(left)]))
