"""Tensors: a signature of tensors, or somebody's arrays, in; the bodies of requests out, made before the load."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.control import arrays
from golive.control.load.requests import Body, Form
from golive.domain.signature import Signature, Tensor, TensorType
from golive.errors import DataError, RequestError
from golive.inference.feeds import checked_feeds
from golive.serving.codecs.raw_tensors import raw_of
from golive.serving.codecs.tensor_types import DATATYPES
from golive.serving.tensorial.examples import Values, tensors_of

Arrays = Mapping[str, npt.NDArray[Any]]
PLATFORM = "golive_tensors"
"""What a server calls a model of tensors in its metadata."""
_BODIES = 64
_MOST_BYTES = 64 << 20
"""Of all bodies together: generators hold each of them."""
_KINDS: tuple[Values, ...] = ("varied", "few", "zeros", "ones")
_LENGTHS = (64, 224, 32, 8, 1)
"""Lengths of open axes that are tried, in this order."""
_TYPES = {datatype: dtype for dtype, datatype in DATATYPES.items()}


def signature_of(metadata: Mapping[str, Any]) -> Signature | None:
    """Read what a server's metadata says of a model; None where it reads rows of fields.

    Raises:
        DataError: the metadata is not golive's.
    """
    if metadata.get("platform") != PLATFORM:
        return None
    try:
        inputs, outputs = (tuple(map(_tensor, metadata[side])) for side in ("inputs", "outputs"))
    except (KeyError, TypeError) as error:
        message = (
            f"the server's description of the model cannot be read ({error}); name the bundle that it serves as well"
        )
        raise DataError(message) from error
    return Signature(inputs=(), task="tensors", target=outputs[0].name, tensors=inputs, outputs=outputs)


def made_up(signature: Signature, rows: int) -> Iterator[list[Arrays]]:
    """Give tensors to try a server with, from the most lifelike to the plainest: no graph takes any value and length.

    Rows differ from request to request where the first axes are open.
    """
    lengths = _LENGTHS if any(None in tensor.shape[1:] for tensor in signature.tensors) else _LENGTHS[:1]
    has_rows = has_row_axes(signature)
    for kind in _KINDS:
        for length in lengths:
            one = tensors_of(signature, kind, rows=rows, length=length).arrays
            count = max(1, min(_BODIES, _MOST_BYTES // max(1, sum(array.nbytes for array in one.values()))))
            if not has_rows or count == 1:
                yield [one]
                continue
            many = tensors_of(signature, kind, rows=rows * count, length=length).arrays
            yield [{name: array[at : at + rows] for name, array in many.items()} for at in range(0, rows * count, rows)]


def of_file(path: Path, signature: Signature, rows: int) -> list[Arrays]:
    """Read somebody's arrays, cut into requests of ``rows`` rows where the first axes are open.

    Raises:
        DataError: the file is none of numpy's, or holds objects.
        RequestError: an array is not what the signature says.
    """
    feeds = checked_feeds(signature.tensors, read_arrays(path, signature))
    counts = {len(array) for array in feeds.values() if array.ndim}
    if not has_row_axes(signature) or len(counts) != 1:
        return [feeds]
    (count,) = counts
    if count < rows:
        message = f"{path} holds {count} rows, and a request is to have {rows}; give more rows, or a smaller --rows"
        raise DataError(message)
    starts = range(0, count - rows + 1, rows)
    cut: list[Arrays] = [{name: array[at : at + rows] for name, array in feeds.items()} for at in starts]
    return cut[:_BODIES]


def read_arrays(path: Path, signature: Signature) -> dict[str, Any]:
    """Read arrays by name from an ``.npz`` file, or the only one from an ``.npy`` file; no code of it is run.

    Raises:
        DataError: it is none of numpy's, or holds objects.
    """
    return arrays.read_arrays(path, signature.tensors[0].name)


def has_row_axes(signature: Signature) -> bool:
    """Say whether the first axes of all inputs are open."""
    return all(tensor.shape[:1] == (None,) for tensor in signature.tensors)


def tensor_bodies(requests: Sequence[Arrays], form: Form) -> list[Body]:
    """Write bodies.

    Raises:
        RequestError: the values cannot stand in JSON.
    """
    write = {"rows": _inputs, "tensors": _json, "auto": _binary, "binary": _binary}[form]
    return [write(arrays) for arrays in requests]


def _tensor(told: Mapping[str, Any]) -> Tensor:
    dtype: TensorType = _TYPES[told["datatype"]]
    shape = tuple(None if length < 0 else length for length in told["shape"])
    return Tensor(name=told["name"], dtype=dtype, shape=shape)


def _inputs(arrays: Arrays) -> Body:
    return Body(_encoded({"inputs": {name: _listed(name, array) for name, array in arrays.items()}}))


def _json(arrays: Arrays) -> Body:
    described = [
        {"name": name, "shape": array.shape, "datatype": DATATYPES[_type(array)], "data": _listed(name, array.ravel())}
        for name, array in arrays.items()
    ]
    return Body(_encoded({"inputs": described}))


def _binary(arrays: Arrays) -> Body:
    raws = {
        name: raw_of(DATATYPES[_type(array)], array.ravel().tolist() if array.dtype == object else array)
        for name, array in arrays.items()
    }
    described = [
        {
            "name": name,
            "shape": array.shape,
            "datatype": DATATYPES[_type(array)],
            "parameters": {"binary_data_size": len(raws[name])},
        }
        for name, array in arrays.items()
    ]
    head = _encoded({"inputs": described, "parameters": {"binary_data_output": True}})
    return Body(b"".join((head, *raws.values())), len(head))


def _type(array: npt.NDArray[Any]) -> TensorType:
    found: TensorType = "string" if array.dtype == object else array.dtype.name  # type: ignore[assignment]
    return found


def _listed(name: str, array: npt.NDArray[Any]) -> Any:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        message = f"the array {name!r} holds values that are not finite, which JSON has not; measure with --form binary"
        raise RequestError(message, field=name)
    return array.tolist()


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)
