"""Order: what golive and a program in another environment say to each other, as files of JSON; no pickle."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.signature import Tensor

GRAPH, ORDER, TOLD = "graph.onnx", "order.json", "told.json"

Array = npt.NDArray[Any]


class Sent(msgspec.Struct, frozen=True):
    """An array: numpy's name of its type, its shape, and its bytes row by row."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, and what it is asked then."""

    form: str
    inputs: tuple[Tensor, ...]
    names: dict[str, str]
    """Input or output of the graph -> what it is called in the form, whose names are words."""
    feeds: tuple[dict[str, Sent], ...]
    """By the form's names, as the answers are."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to the feeds, or why there is nothing."""

    answers: tuple[dict[str, Sent], ...] = ()
    refused: str = ""


def sent(arrays: Mapping[str, Array]) -> dict[str, Sent]:
    """Write arrays."""
    return {name: Sent(array.dtype.name, array.shape, array.tobytes()) for name, array in arrays.items()}


def arrays_of(found: Mapping[str, Sent]) -> dict[str, Array]:
    """Read them back."""
    return {name: np.frombuffer(one.content, one.dtype).reshape(one.shape).copy() for name, one in found.items()}
