"""Tensors: named arrays in, the headers and body of an infer request out."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.client.contract import Contract
from golive.client.encode import Encoded
from golive.errors import RequestError
from golive.serving.codecs.raw_tensors import raw_of
from golive.serving.codecs.tensor_types import DATATYPES

_DATATYPES: dict[str, str] = {dtype: datatype for dtype, datatype in DATATYPES.items() if dtype != "string"}
_DTYPES = {datatype: dtype for dtype, datatype in _DATATYPES.items()} | {"BYTES": "object"}


def encoded_tensors(inputs: Mapping[str, Any], contract: Contract, outputs: Sequence[str], *, binary: bool) -> Encoded:
    """Write an infer request.

    An array goes with its own type: nothing is rounded on the way, and a type that the model does not take is refused
    by the server. Lists and numbers have no type, and become what the model takes.

    Raises:
        RequestError: values are of a type that no request can carry, or are not rectangular.
    """
    wanted = {tensor.name: tensor.datatype for tensor in contract.inputs}
    arrays = {name: _array(name, value, wanted.get(name, "")) for name, value in inputs.items()}
    described: list[dict[str, Any]] = []
    raws: list[bytes] = []
    for name, (datatype, array) in arrays.items():
        tensor = {"name": name, "shape": array.shape, "datatype": datatype}
        if binary:
            raws.append(_raw(name, datatype, array))
            described.append({**tensor, "parameters": {"binary_data_size": len(raws[-1])}})
        else:
            described.append({**tensor, "data": array.ravel().tolist()})
    request: dict[str, Any] = {"inputs": described}
    if outputs:
        request["outputs"] = [{"name": name} for name in outputs]
    if not binary:
        return Encoded({"content-type": "application/json"}, msgspec.json.encode(request))
    head = msgspec.json.encode({**request, "parameters": {"binary_data_output": True}})
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return Encoded(headers, b"".join([head, *raws]))


def _array(name: str, value: Any, wanted: str) -> tuple[str, npt.NDArray[Any]]:
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind in "OUT":
            return "BYTES", array
        datatype = _DATATYPES.get(array.dtype.name)
        if datatype is None:
            message = f"the input {name!r} is of the type {array.dtype}, which no tensor has; convert it with astype"
            raise RequestError(message, field=name)
        return datatype, array
    # What the server knows nothing of is sent as numpy sees it, and the server names its inputs.
    dtype = _DTYPES.get(wanted)
    try:
        array = np.array(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the values of {name!r} are no tensor of {wanted or 'one type'} ({error}); give an array"
        raise RequestError(message, field=name) from error
    return (wanted, array) if dtype else _array(name, array, wanted)


def _raw(name: str, datatype: str, array: npt.NDArray[Any]) -> bytes:
    if datatype != "BYTES":
        return raw_of(datatype, array)
    values = array.ravel().tolist()
    if not all(isinstance(value, str) for value in values):
        message = f"the input {name!r} holds values that are no texts, beside texts; give texts only"
        raise RequestError(message, field=name)
    return raw_of(datatype, values)
