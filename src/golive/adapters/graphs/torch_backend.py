"""The table of operators in PyTorch."""

# ruff: noqa: D102 - what the methods do stands in backend.Backend

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

_UNARY = {
    "absolute": torch.abs,
    "negative": torch.neg,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "rint": torch.round,
    "sign": torch.sign,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "arctan": torch.atan,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "isnan": torch.isnan,
    "logical_not": torch.logical_not,
}
_BINARY = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "power": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
    "mod": torch.remainder,
    "fmod": torch.fmod,
}
_CONV = (functional.conv1d, functional.conv2d, functional.conv3d)
_MAX = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
_MEAN = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)


class TorchBackend:
    """PyTorch's form of the primitives.

    Args:
        is_narrow: compute in float32 what the graph computes in float64, as training does.
    """

    def __init__(self, *, is_narrow: bool = False) -> None:
        self._is_narrow = is_narrow

    def constant(self, array: Any) -> torch.Tensor:
        found = np.asarray(array)
        return torch.from_numpy(np.array(found, self._kind(found.dtype)))

    def cast(self, x: torch.Tensor, dtype: Any) -> torch.Tensor:
        return x.to(getattr(torch, self._kind(dtype).name))

    def _kind(self, dtype: Any) -> np.dtype[Any]:
        found = np.dtype(dtype)
        return np.dtype(np.float32) if self._is_narrow and found == np.float64 else found

    def dtype(self, x: torch.Tensor) -> Any:
        return np.dtype(str(x.dtype).removeprefix("torch."))

    def lengths(self, x: torch.Tensor) -> list[Any]:
        return list(x.shape)

    def packed(self, lengths: Sequence[Any]) -> torch.Tensor:
        return torch.stack([torch.scalar_tensor(one, dtype=torch.int64) for one in lengths])

    def unary(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return _UNARY[name](x)

    def binary(self, name: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if name == "divide":
            return torch.div(x, y) if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")
        return _BINARY[name](x, y)

    def where(self, condition: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.where(condition, x, y)

    def reshape(self, x: torch.Tensor, lengths: Sequence[Any]) -> torch.Tensor:
        return x.reshape(list(lengths))

    def expand(self, x: torch.Tensor, lengths: Sequence[Any]) -> torch.Tensor:
        return x.expand(list(lengths))

    def transpose(self, x: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
        return x.permute(list(order))

    def concat(self, parts: Sequence[torch.Tensor], axis: int) -> torch.Tensor:
        return torch.cat(list(parts), axis)

    def take(self, x: torch.Tensor, places: torch.Tensor, axis: int) -> torch.Tensor:
        chosen = x.index_select(axis, places.reshape(-1))
        return chosen.reshape([*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]])

    def take_along(self, x: torch.Tensor, places: torch.Tensor, axis: int) -> torch.Tensor:
        return torch.gather(x, axis, places)

    def cut(self, x: torch.Tensor, slices: Sequence[slice]) -> torch.Tensor:
        return x[tuple(slices)]

    def matmul(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x, y)

    def reduce(self, name: str, x: torch.Tensor, axes: Sequence[int], *, keep: bool) -> torch.Tensor:
        if name == "prod":
            for axis in sorted(axes, reverse=True):
                x = torch.prod(x, axis, keepdim=keep)
            return x
        if name == "sum":
            return torch.sum(x, list(axes), keepdim=keep, dtype=x.dtype)
        if name == "mean":
            return torch.mean(x, list(axes), keepdim=keep)
        return torch.amax(x, list(axes), keepdim=keep) if name == "max" else torch.amin(x, list(axes), keepdim=keep)

    def argmax(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        return torch.argmax(x, axis)

    def softmax(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        return torch.softmax(x, axis)

    def cumsum(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        return torch.cumsum(x, axis, dtype=x.dtype)

    def pad(self, x: torch.Tensor, widths: Sequence[tuple[int, int]], value: float) -> torch.Tensor:
        return functional.pad(x, [width for pair in reversed(widths) for width in pair], value=value)

    def conv(
        self,
        x: torch.Tensor,
        weights: torch.Tensor,
        *,
        strides: Sequence[int],
        dilations: Sequence[int],
        groups: int,
    ) -> torch.Tensor:
        run = _CONV[len(strides) - 1]
        found: torch.Tensor = run(x, weights, stride=list(strides), dilation=list(dilations), groups=groups)
        return found

    def pool(self, kind: str, x: torch.Tensor, sizes: Sequence[int], strides: Sequence[int]) -> torch.Tensor:
        run: Any = (_MAX if kind == "max" else _MEAN)[len(sizes) - 1]
        found: torch.Tensor = run(x, list(sizes), list(strides))
        return found
