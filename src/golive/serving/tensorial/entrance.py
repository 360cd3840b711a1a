"""Entrance: the tensors of a request in, checked against the signature; what enters the model out."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.signature import Signature, Tensor
from golive.errors import RequestError, TooLargeError
from golive.serving.codecs.raw_tensors import count_of
from golive.serving.codecs.tensor_inputs import wrong_shape
from golive.serving.codecs.tensor_types import DATATYPES, described, dtype_of, shown
from golive.serving.tensorial.tensor_rows import TensorRows

_LONGEST = 100


class TensorLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may ask for."""

    elements: int = 2**24
    """Values of all its tensors."""
    answer_bytes: int = 2**26
    """Bytes of all values of its answer, before they are written in any form."""


class Entrance:
    """Checks tensors by name, type and shape. Holds no state: safe from several threads.

    Args:
        signature: what the model takes.
        limits: of one request.
        has_rows: whether the first axes of all tensors are rows, which may run beside those of other requests; if not,
            a request counts for one row.
    """

    def __init__(self, signature: Signature, limits: TensorLimits, *, has_rows: bool) -> None:
        self.tensors = {tensor.name: tensor for tensor in signature.tensors}
        """What the model takes, by name."""
        self.has_rows = has_rows
        self._dtypes = {tensor.name: dtype_of(tensor.dtype) for tensor in signature.tensors}
        self._limits = limits
        self._known = ", ".join(map(described, signature.tensors))

    def tensor(self, name: str) -> Tensor:
        """Give what the signature says of a tensor.

        Raises:
            RequestError: there is none of that name.
        """
        tensor = self.tensors.get(name)
        if tensor is None:
            near = get_close_matches(name[:_LONGEST], self.tensors, n=1, cutoff=0.5)
            guess = f"did you mean {near[0]!r}? " if near else ""
            message = f"there is no tensor {name[:_LONGEST]!r}; {guess}the inputs are: {self._known}"
            raise RequestError(message, field=name[:_LONGEST])
        return tensor

    def announced(self, name: str, datatype: str, shape: Sequence[int]) -> Tensor:
        """Give what the signature says of a tensor whose type and shape come before its values.

        Raises:
            RequestError: there is none, or it wants another data type or shape.
            TooLargeError: it has too many values.
        """
        tensor = self.tensor(name)
        if datatype != DATATYPES[tensor.dtype]:
            message = f"tensor {name!r} wants datatype {DATATYPES[tensor.dtype]}, got {datatype[:40]!r}"
            raise RequestError(message, field=name)
        self._check_shape(tensor, shape)
        self._check_elements(count_of(name, shape))
        return tensor

    def admit(self, arrays: Mapping[str, npt.NDArray[Any]]) -> TensorRows:
        """Give what enters the model: every tensor, of its dtype, in one piece of memory.

        Raises:
            RequestError: one is missing or not of its shape, or their first axes are not equally long where they are
                rows, or there is no row.
            TooLargeError: together they have too many values.
        """
        feeds: dict[str, npt.NDArray[Any]] = {}
        for name, tensor in self.tensors.items():
            array = arrays.get(name)
            if array is None:
                message = f"the tensor {name!r} is missing; the inputs are: {self._known}"
                raise RequestError(message, field=name)
            self._check_shape(tensor, array.shape)
            dtype, flags = self._dtypes[name], array.flags
            if array.dtype != dtype or not (flags.c_contiguous and flags.aligned):
                # Asked first: to be told that nothing is to be done takes numpy three times as long.
                array = np.require(array, dtype, ("C", "A"))
            feeds[name] = array
        self._check_elements(sum(array.size for array in feeds.values()))
        return TensorRows(feeds, self._rows(feeds))

    def _rows(self, feeds: Mapping[str, npt.NDArray[Any]]) -> int:
        if not self.has_rows:
            return 1
        counts = {name: len(array) for name, array in feeds.items()}
        if len(set(counts.values())) > 1:
            message = f"the first axes of the tensors must have one length, got {counts}; send one value for each row"
            raise RequestError(message)
        count = next(iter(counts.values()))
        if not count:
            message = "the request holds no rows; send at least one"
            raise RequestError(message)
        return count

    def _check_shape(self, tensor: Tensor, shape: Sequence[int]) -> None:
        wanted = tensor.shape
        fits = len(shape) == len(wanted) and all(
            length is None or length == found for length, found in zip(wanted, shape, strict=True)
        )
        if not fits:
            raise wrong_shape(tensor.name, shown(wanted), shape)

    def _check_elements(self, count: int) -> None:
        if count > self._limits.elements:
            message = f"the tensors hold {count} values, and the limit is {self._limits.elements}; send smaller tensors"
            raise TooLargeError(message)
