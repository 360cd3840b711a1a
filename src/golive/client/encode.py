"""Encode: a table and a model's contract in, the headers and body of an infer request out.

A column goes as bytes where its data type holds every value exactly. Else it goes as JSON, where null is a missing
value; what does not fit the model is so refused by the server, in its words.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.client.columns import NUMBERS, array_of, exact, plain, sendable
from golive.client.contract import Contract, Matrix, TensorSpec
from golive.client.table import Table, Values
from golive.errors import InvalidRowError, RequestError, UsageError
from golive.serving.codecs.raw_tensors import raw_of


class Encoded(msgspec.Struct, frozen=True):
    """A request, but for its address."""

    headers: dict[str, str]
    body: bytes


def encoded(table: Table, contract: Contract, *, binary: bool) -> Encoded:
    """Write an infer request: one tensor of numbers where the model takes that, else one tensor a column.

    Raises:
        RequestError: the table has a column that the model has not, or another number of columns.
        InvalidRowError: a value is one that no request can carry.
        UsageError: the model takes tensors that are not columns.
    """
    try:
        return _encoded(table, contract, binary=binary)
    except UnicodeEncodeError as error:
        message = f"the text {error.object[:40]!r} is no valid Unicode; give texts that UTF-8 can write"
        raise InvalidRowError(message) from None


def _encoded(table: Table, contract: Contract, *, binary: bool) -> Encoded:
    matrix = contract.matrix
    if matrix is not None and not matrix.named:
        return _request([_unnamed(table, matrix, binary=binary)], binary=binary)
    columns = _by_name(table, contract)
    whole = None if matrix is None else _fused(table, columns, contract, matrix, binary=binary)
    return _request([whole] if whole is not None else _each(table, columns, contract, binary=binary), binary=binary)


class _Tensor(msgspec.Struct, frozen=True):
    name: str
    datatype: str
    shape: tuple[int, ...]
    raw: bytes | None = None
    data: Sequence[Any] = ()


def _request(tensors: Sequence[_Tensor], *, binary: bool) -> Encoded:
    inputs = [_described(tensor) for tensor in tensors]
    if not binary:
        return Encoded({"content-type": "application/json"}, msgspec.json.encode({"inputs": inputs}))
    head = msgspec.json.encode({"inputs": inputs, "parameters": {"binary_data_output": True}})
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return Encoded(headers, b"".join([head, *(tensor.raw for tensor in tensors if tensor.raw is not None)]))


def _described(tensor: _Tensor) -> dict[str, Any]:
    described = {"name": tensor.name, "shape": tensor.shape, "datatype": tensor.datatype}
    if tensor.raw is not None:
        return {**described, "parameters": {"binary_data_size": len(tensor.raw)}}
    return {**described, "data": tensor.data}


def _fused(
    table: Table, columns: Mapping[str, Values], contract: Contract, matrix: Matrix, *, binary: bool
) -> _Tensor | None:
    """Write all columns as one tensor; None where they have to go one by one."""
    if len(columns) != matrix.width:
        return None
    numbers = _stacked(table, tuple(columns.values()), NUMBERS[matrix.datatype])
    if numbers is None or _has_gaps_in_whole_numbers(numbers, contract):
        return None
    if binary:
        return _Tensor(matrix.name, matrix.datatype, numbers.shape, raw=numbers.tobytes())
    if not np.isfinite(numbers).all():
        return None
    return _Tensor(matrix.name, matrix.datatype, numbers.shape, data=numbers.ravel().tolist())


def _has_gaps_in_whole_numbers(numbers: npt.NDArray[Any], contract: Contract) -> bool:
    # As JSON the gap is a null; among floats in bytes it would be a NaN, which is no whole number.
    whole = [index for index, spec in enumerate(contract.inputs) if spec.datatype == "INT64"]
    return bool(whole) and bool(np.isnan(numbers[:, whole]).any())


def _unnamed(table: Table, matrix: Matrix, *, binary: bool) -> _Tensor:
    """Write a tensor whose columns have no names: they go in the order in which they were given."""
    width = len(table.columns)
    if matrix.width not in {-1, width}:
        message = f"a row has {width} values, but {matrix.width} are expected; give every row all its values, in order"
        raise RequestError(message)
    shape, dtype = (table.rows, width), NUMBERS.get(matrix.datatype)
    numbers = None if dtype is None or not binary else _stacked(table, table.columns, dtype)
    if numbers is not None:
        return _Tensor(matrix.name, matrix.datatype, shape, raw=numbers.tobytes())
    columns = [
        sendable(plain(f"{matrix.name}[{index}]", column), f"{matrix.name}[{index}]")
        for index, column in enumerate(table.columns)
    ]
    return _Tensor(matrix.name, matrix.datatype, shape, data=list(chain.from_iterable(zip(*columns, strict=True))))


def _stacked(table: Table, columns: Sequence[Values], dtype: np.dtype[Any]) -> npt.NDArray[Any] | None:
    if table.matrix is not None:
        return exact(table.matrix, dtype)
    numbers = np.empty((table.rows, len(columns)), dtype=dtype)
    for index, column in enumerate(columns):
        cast = exact(array_of(column), dtype)
        if cast is None:
            return None
        numbers[:, index] = cast
    return numbers


def _each(table: Table, columns: Mapping[str, Values], contract: Contract, *, binary: bool) -> list[_Tensor]:
    # A row of which every value is missing still has to be counted.
    given = columns or {spec.name: [None] * table.rows for spec in contract.inputs}
    specs = {spec.name: spec for spec in contract.inputs}
    return [_tensor(specs[name], column, binary=binary) for name, column in given.items()]


def _tensor(spec: TensorSpec, column: Values, *, binary: bool) -> _Tensor:
    if len(spec.shape) > 2 or spec.shape[1:] not in {(), (1,)}:  # noqa: PLR2004 - rows and columns
        message = (
            f"input {spec.name!r} wants the shape {list(spec.shape)}, which is no column; send it with another client"
        )
        raise UsageError(message)
    shape = (len(column), *spec.shape[1:])
    raw = _raw(spec, column) if binary else None
    if raw is not None:
        return _Tensor(spec.name, spec.datatype, shape, raw=raw)
    return _Tensor(spec.name, spec.datatype, shape, data=sendable(plain(spec.name, column), spec.name))


def _raw(spec: TensorSpec, column: Values) -> bytes | None:
    if spec.datatype == "BYTES":
        texts = plain(spec.name, column)
        return raw_of("BYTES", texts) if {str}.issuperset(map(type, texts)) else None
    array = array_of(column)
    if array is None or array.dtype == object:
        array = array_of(plain(spec.name, column))
    if array is None:
        return None
    if spec.datatype == "BOOL":
        return array.tobytes() if array.dtype == np.bool_ else None
    dtype = NUMBERS.get(spec.datatype)
    cast = None if dtype is None else exact(array, dtype)
    return None if cast is None else cast.tobytes()


def _by_name(table: Table, contract: Contract) -> dict[str, Values]:
    """Give the columns by the names of the inputs, in their order; those that are not in the table are left out."""
    names = tuple(spec.name for spec in contract.inputs)
    if table.names is None:
        if len(table.columns) != len(names):
            order = ", ".join(names)
            message = f"a row has {len(table.columns)} values, but {len(names)} are expected, in this order: {order}"
            raise RequestError(message)
        return dict(zip(names, table.columns, strict=True))
    for name in table.names:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            guess = f"did you mean {near[0]!r}? " if near else ""
            message = f"there is no input {name!r}; {guess}the inputs are: {', '.join(names)}"
            raise RequestError(message, field=name)
    given = dict(zip(table.names, table.columns, strict=True))
    return {name: given[name] for name in names if name in given}
