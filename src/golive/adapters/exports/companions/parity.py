"""Parity: ``parity.json``, rows with the answers that golive gives, by which any export is checked where it runs.

Of a table: ``rows`` as callers send them, ``N`` and ``C`` as they enter the graph, ``P`` as it answers, ``labels`` as
golive writes them; half of the rows are drawn from the profile, half made to break a conversion. Of tensors: ``cases``
of named ``inputs`` and ``outputs``, each with its dtype, its shape and its values row by row.

JSON has no NaN and no infinities: NaN (missing) is ``null``, the others are the texts ``"Infinity"`` and
``"-Infinity"``. ``difference`` says how two answers are compared: ``relative`` to ``max(1, |P|)``, or ``absolute``; up
to ``tolerance`` they are the same.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive import plugins
from golive.adapters.exports.companions.precision import tolerance_of
from golive.adapters.exports.companions.splits import split_values
from golive.control.load.rows import varied_rows
from golive.domain.bundle import Bundle
from golive.domain.signature import Signature, Tensor
from golive.errors import RequestError, UnavailableError
from golive.inference.road import Road, open_road
from golive.inference.table import columns_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import PROFILE, profile_of
from golive.ports import Column, Float64, TensorSession

FORMAT = 1
MOST_ROWS = 200
_SEED = 20
_LENGTHS = (1, 2, 8, 16, 32, 64, 224)
"""What an axis of free length is tried with; the first is a batch and stays 1, then 3."""
_BATCH = 3
_MOST_CELLS = 1 << 20
_STEP = 64.0
"""Random numbers are whole multiples of 1/64: exact in every float type, and short in JSON."""


class Checked(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows of a table with golive's own answers."""

    rows: tuple[dict[str, Any], ...]
    """As callers send them; None is missing."""
    numbers: Float64
    """``N`` of the rows."""
    codes: npt.NDArray[np.int64]
    """``C`` of the rows."""
    answers: Float64
    """``P`` of the rows."""
    labels: tuple[Any, ...]


def checked_rows(bundle: Bundle, files: Mapping[str, bytes], *, most: int = MOST_ROWS) -> Checked:
    """Draw rows and ask golive for the answers; equal bundles give equal rows.

    Raises:
        VerificationError: the bundle's graph cannot be run here.
    """
    runtime = plugins.load("runtimes", bundle.manifest.runtime)
    road = open_road(bundle.manifest, files[bundle.manifest.graph], runtime)
    columns = _rows(road, bundle, files, most)
    numbers, codes = road.front.columns(columns)
    answers = road.session.run(numbers, codes)
    return Checked(
        rows=tuple(_plain(bundle.signature, columns)),
        numbers=numbers,
        codes=codes,
        answers=answers,
        labels=tuple(road.labels(answers)),
    )


def parity_json(bundle: Bundle, files: Mapping[str, bytes]) -> bytes:
    """Write ``parity.json``.

    Raises:
        VerificationError: the bundle's graph cannot be run here.
    """
    is_tensors = bundle.signature.task == "tensors"
    common = {
        "format": FORMAT,
        "name": bundle.name,
        "digest": bundle.digest,
        "task": bundle.signature.task,
        "tolerance": tolerance_of(files[bundle.manifest.graph], tensors=is_tensors),
    }
    if is_tensors:
        return _encoded(common | {"cases": list(_cases(bundle, files))})
    checked = checked_rows(bundle, files)
    return _encoded(
        common
        | {
            "difference": "relative" if bundle.signature.task == "regression" else "absolute",
            "rows": list(checked.rows),
            "N": jsonable(checked.numbers),
            "C": checked.codes.tolist(),
            "P": jsonable(checked.answers),
            "labels": jsonable(list(checked.labels)),
        }
    )


def jsonable(values: Any) -> Any:
    """Turn an array or nested lists into lists that JSON can hold: NaN is None, infinities are texts."""
    if isinstance(values, np.ndarray):
        return jsonable(values.tolist())
    if isinstance(values, list):
        return [jsonable(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None if math.isnan(values) else "Infinity" if values > 0 else "-Infinity"
    return values


def _encoded(content: dict[str, Any]) -> bytes:
    return msgspec.json.encode(content) + b"\n"


def _rows(road: Road, bundle: Bundle, files: Mapping[str, bytes], most: int) -> dict[str, Column]:
    signature = bundle.signature
    drawn = [{field.name: field.sample for field in signature.inputs}]
    drawn += varied_rows(signature, profile_of(files) if PROFILE in files else None, most // 2 - 1, seed=_SEED)
    real = columns_of(signature, {name: [row[name] for row in drawn] for name in signature.names})
    real = _kept(real, np.flatnonzero(road.front.accepted(real)))
    splits = split_values(files[bundle.manifest.graph], bundle.manifest.preparation)
    rng = np.random.default_rng(_SEED)
    hard = boundary_rows(real, splits, bundle.manifest, rng=rng)
    count = len(next(iter(hard.values()), ()))
    hard = _kept(hard, np.sort(rng.choice(count, min(count, most // 2), replace=False)))
    return {name: np.concatenate([real[name], hard[name]]) for name in signature.names}


def _kept(columns: Mapping[str, Column], places: npt.NDArray[np.int64]) -> dict[str, Column]:
    return {name: column[places] for name, column in columns.items()}


def _plain(signature: Signature, columns: Mapping[str, Column]) -> Iterable[dict[str, Any]]:
    """Give rows as JSON writes them: whole numbers and bools where the signature has such."""
    made = {field.name: [_value(field.dtype, value) for value in columns[field.name]] for field in signature.inputs}
    return (dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True))


def _value(dtype: str, value: Any) -> Any:
    if dtype == "string" or value is None:
        return None if value is None else str(value)
    number = float(value)
    if math.isnan(number):
        return None
    if dtype == "bool" and number in {0.0, 1.0}:
        return bool(number)
    return int(number) if dtype == "int64" and number.is_integer() and abs(number) < 2**53 else number


def _cases(bundle: Bundle, files: Mapping[str, bytes]) -> Iterable[dict[str, Any]]:
    runtime = plugins.load("runtimes", bundle.manifest.runtime)
    session = runtime.open_tensors(files[bundle.manifest.graph], threads=1)
    rng = np.random.default_rng(_SEED)
    free = next((length for length in _LENGTHS if _answer(session, _feeds(session, 1, length, None))), None)
    if free is None:
        return
    cells = 0
    for batch, chance in ((1, None), (1, rng), (_BATCH, rng)):
        feeds = _feeds(session, batch, free, chance)
        cells += sum(array.size for array in feeds.values())
        answer = _answer(session, feeds) if cells <= _MOST_CELLS else None
        if answer is not None:
            yield {"inputs": _named(feeds), "outputs": _named(answer)}


def _answer(session: TensorSession, feeds: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, npt.NDArray[Any]] | None:
    try:
        return session.run(feeds)
    except (RequestError, UnavailableError):
        return None


def _feeds(
    session: TensorSession, batch: int, free: int, chance: np.random.Generator | None
) -> dict[str, npt.NDArray[Any]]:
    return {tensor.name: _array(tensor, batch, free, chance) for tensor in session.inputs}


def _array(tensor: Tensor, batch: int, free: int, chance: np.random.Generator | None) -> npt.NDArray[Any]:
    lengths = tuple(
        length if length is not None else free if axis else batch for axis, length in enumerate(tensor.shape)
    )
    if tensor.dtype == "string":
        return np.full(lengths, "text" if chance else "", dtype=object)
    if chance is None:
        return np.zeros(lengths, tensor.dtype)
    if tensor.dtype.startswith("float"):
        return (np.round(chance.normal(size=lengths) * _STEP) / _STEP).astype(tensor.dtype)
    # Wide integers are places in a table more often than not, narrow ones are bytes of an image.
    most = 256 if tensor.dtype == "uint8" else 128 if tensor.dtype == "int8" else 2
    return chance.integers(0, most, lengths).astype(tensor.dtype)


def _named(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    return {
        name: {"dtype": _dtype(array), "shape": list(array.shape), "data": jsonable(_flat(array))}
        for name, array in arrays.items()
    }


def _dtype(array: npt.NDArray[Any]) -> str:
    return "string" if array.dtype.kind in "OU" else array.dtype.name


def _flat(array: npt.NDArray[Any]) -> list[Any]:
    flat = array.reshape(-1)
    if array.dtype in (np.float16, np.float32):
        # The shortest text that reads back as the same narrow number.
        return [float(str(value)) for value in flat]
    return list(flat.tolist())
