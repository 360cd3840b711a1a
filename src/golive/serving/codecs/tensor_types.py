"""Tensor types: what each protocol, numpy and people call the type and shape of a tensor."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from golive.domain.signature import Tensor, TensorType

DATATYPES: dict[TensorType, str] = {
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "bool": "BOOL",
    "string": "BYTES",
}
"""The Open Inference Protocol's names."""

TENSORFLOW_TYPES: dict[TensorType, str] = {
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "int8": "DT_INT8",
    "int16": "DT_INT16",
    "int32": "DT_INT32",
    "int64": "DT_INT64",
    "uint8": "DT_UINT8",
    "uint16": "DT_UINT16",
    "uint32": "DT_UINT32",
    "uint64": "DT_UINT64",
    "bool": "DT_BOOL",
    "string": "DT_STRING",
}
"""TensorFlow Serving's names."""


def dtype_of(kind: TensorType) -> np.dtype[np.generic]:
    """Give numpy's type of a tensor; texts are objects of str."""
    return np.dtype(object if kind == "string" else kind)


def described(tensor: Tensor) -> str:
    """Name a tensor with its data type and shape, for people."""
    return f"{tensor.name} {DATATYPES[tensor.dtype]} {shown(tensor.shape)}"


def shape_of(tensor: Tensor) -> list[int]:
    """Give a shape as protocols write it: -1 for an axis of any length."""
    return [-1 if length is None else length for length in tensor.shape]


def page_of(tensor: Tensor) -> dict[str, Any]:
    """Describe a tensor as the protocol's metadata does."""
    return {"name": tensor.name, "datatype": DATATYPES[tensor.dtype], "shape": shape_of(tensor)}


def shown(shape: Sequence[int | None]) -> str:
    """Write a shape for people: -1 for an axis of any length, as the metadata has it."""
    return str([-1 if length is None else length for length in shape])
