"""Examples: tensors that a model is tried with at load, made from its signature alone."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from golive.domain.signature import Signature, Tensor
from golive.serving.codecs.tensor_types import dtype_of
from golive.serving.tensorial.tensor_rows import TensorRows

Values = Literal["varied", "few", "zeros", "ones"]
"""Anything of the type; small whole numbers only, for an index or a token must be one that the model knows; all 0; or
all 1, for what becomes a length must not be 0."""

_SEED = 20261122
_MOST = 127
"""What the narrowest whole number holds."""


def tensors_of(signature: Signature, values: Values, *, rows: int, length: int) -> TensorRows:
    """Make tensors whose open first axes are ``rows`` and whose other open axes are ``length`` long.

    The same each time; rows differ from one another unless all values are 0 or 1.
    """
    random = np.random.default_rng(_SEED)
    arrays = {
        tensor.name: _filled(tensor, values, _shape(tensor, rows, length), random) for tensor in signature.tensors
    }
    return TensorRows(arrays, rows)


def has_open_axes(signature: Signature) -> bool:
    """Say whether the size of a tensor is open even when its number of rows is known."""
    return any(None in tensor.shape[1:] for tensor in signature.tensors)


def first_that_runs(candidates: Iterator[TensorRows], run: Callable[[TensorRows], object]) -> TensorRows | None:
    """Give the first tensors that a model can be run on; None when it can be run on none of them."""
    for candidate in candidates:
        try:
            run(candidate)
        except Exception:  # noqa: BLE001, S112  engines have errors of their own, and one attempt more costs little
            continue
        return candidate
    return None


def _shape(tensor: Tensor, rows: int, length: int) -> tuple[int, ...]:
    return tuple(known if known is not None else (length if axis else rows) for axis, known in enumerate(tensor.shape))


def _filled(tensor: Tensor, values: Values, shape: tuple[int, ...], random: np.random.Generator) -> npt.NDArray[Any]:
    dtype = dtype_of(tensor.dtype)
    if tensor.dtype == "string":
        texts = np.empty(shape, dtype=object)
        texts.reshape(-1)[:] = [f"text {index}" if values == "varied" else "" for index in range(texts.size)]
        return texts
    if values in {"zeros", "ones"}:
        return np.full(shape, values == "ones", dtype=dtype)
    if dtype.kind == "f":
        return random.normal(size=shape).astype(dtype)
    most = 1 if values == "few" or dtype.kind == "b" else _MOST
    return random.integers(0, most, size=shape, endpoint=True).astype(dtype)
