"""Feeds: somebody's arrays in, the tensors that a signature wants out, or a sentence on which one does not fit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.signature import Tensor
from golive.errors import RequestError


def checked_feeds(tensors: Sequence[Tensor], inputs: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Give an array for each tensor, of its type, rank and lengths, row-major.

    An array keeps its own type, which must be the tensor's: nothing is rounded. A list has none, and becomes what the
    tensor is.

    Raises:
        RequestError: a tensor is absent, is not one of the model's, or is not as the signature has it.
    """
    known = ", ".join(map(tensor_text, tensors))
    for name in [*(tensor.name for tensor in tensors if tensor.name not in inputs), *inputs]:
        if name not in {tensor.name for tensor in tensors} or name not in inputs:
            problem = "is not among the inputs" if name not in inputs else "is no input of the model"
            message = f"tensor {name!r} {problem}; the model takes {known}"
            raise RequestError(message, field=name)
    return {tensor.name: _fitted(tensor, inputs[tensor.name]) for tensor in tensors}


def tensor_text(tensor: Tensor) -> str:
    """Name a tensor with its type and shape, for people; -1 is an axis of any length."""
    return f"{tensor.name} {tensor.dtype} {shape_text(tensor.shape)}"


def shape_text(shape: Sequence[int | None]) -> str:
    """Write a shape for people; -1 is an axis of any length."""
    return str([-1 if length is None else length for length in shape])


def _fitted(tensor: Tensor, value: Any) -> npt.NDArray[Any]:
    dtype = np.dtype(object if tensor.dtype == "string" else tensor.dtype)
    array = np.asarray(value) if hasattr(value, "__array__") else _listed(tensor, value, dtype)
    if tensor.dtype == "string" and array.dtype.kind in "UT":
        array = array.astype(object)
    if array.dtype != dtype:
        message = (
            f"tensor {tensor.name!r} is {array.dtype}, and the model takes {tensor_text(tensor)}; "
            f"convert it: .astype({dtype.name!r})"
        )
        raise RequestError(message, field=tensor.name)
    if len(array.shape) != len(tensor.shape) or any(
        wanted is not None and wanted != found for wanted, found in zip(tensor.shape, array.shape, strict=True)
    ):
        message = f"tensor {tensor.name!r} has the shape {list(array.shape)}, and the model takes {tensor_text(tensor)}"
        raise RequestError(message, field=tensor.name)
    return np.ascontiguousarray(array).reshape(array.shape)


def _listed(tensor: Tensor, value: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    try:
        return np.array(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the values of {tensor.name!r} are no tensor of {tensor.dtype} ({error}); give an array"
        raise RequestError(message, field=tensor.name) from error
