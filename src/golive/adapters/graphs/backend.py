"""Backend: what an ONNX graph is told to: a library of tensors, as a few dozen primitives named as numpy names them."""

from collections.abc import Sequence
from typing import Any, Protocol


class Backend(Protocol):
    """What the table of operators asks of a library. ``binary`` and ``unary`` take numpy's names of functions."""

    def constant(self, array: Any) -> Any:
        """Hold an array that is known beforehand."""
        ...

    def cast(self, x: Any, dtype: Any) -> Any:
        """Change the type: toward zero from fractions to whole numbers."""
        ...

    def dtype(self, x: Any) -> Any:
        """Give numpy's type of a tensor."""
        ...

    def lengths(self, x: Any) -> list[Any]:
        """Give the length of each axis; one that is only known of a request is the library's own number."""
        ...

    def packed(self, lengths: Sequence[Any]) -> Any:
        """Put lengths into a tensor of int64 with one axis."""
        ...

    def unary(self, name: str, x: Any) -> Any:
        """Apply a function to each value."""
        ...

    def binary(self, name: str, x: Any, y: Any) -> Any:
        """Apply a function to each pair of values, with broadcasting; ``divide`` of whole numbers goes toward zero."""
        ...

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """Choose between two tensors, value by value."""
        ...

    def reshape(self, x: Any, lengths: Sequence[Any]) -> Any:
        """Give the same values in another shape; one length may be -1."""
        ...

    def expand(self, x: Any, lengths: Sequence[Any]) -> Any:
        """Repeat axes of one place."""
        ...

    def transpose(self, x: Any, order: Sequence[int]) -> Any:
        """Put the axes into another order."""
        ...

    def concat(self, parts: Sequence[Any], axis: int) -> Any:
        """Put tensors behind one another."""
        ...

    def take(self, x: Any, places: Any, axis: int) -> Any:
        """Take places of an axis; ``places`` may have any number of axes."""
        ...

    def take_along(self, x: Any, places: Any, axis: int) -> Any:
        """Take one place for each place of the other axes."""
        ...

    def cut(self, x: Any, slices: Sequence[slice]) -> Any:
        """Take a slice of every axis."""
        ...

    def matmul(self, x: Any, y: Any) -> Any:
        """Multiply matrices, and stacks of them."""
        ...

    def reduce(self, name: str, x: Any, axes: Sequence[int], *, keep: bool) -> Any:
        """Reduce axes: ``sum``, ``mean``, ``max``, ``min`` or ``prod``."""
        ...

    def argmax(self, x: Any, axis: int) -> Any:
        """Give the place of the greatest value, the first one of equals; the axis is gone."""
        ...

    def softmax(self, x: Any, axis: int) -> Any:
        """Give the softmax along an axis."""
        ...

    def cumsum(self, x: Any, axis: int) -> Any:
        """Give the running sum along an axis."""
        ...

    def pad(self, x: Any, widths: Sequence[tuple[int, int]], value: float) -> Any:
        """Add a value before and after each axis."""
        ...

    def conv(self, x: Any, weights: Any, *, strides: Sequence[int], dilations: Sequence[int], groups: int) -> Any:
        """Convolve ``[rows, channels, ...]`` with ``[channels out, channels in / groups, ...]``, without padding."""
        ...

    def pool(self, kind: str, x: Any, sizes: Sequence[int], strides: Sequence[int]) -> Any:
        """Pool ``[rows, channels, ...]`` by ``max`` or ``mean``, without padding."""
        ...
