"""Pictures: which tensors are images, and images as ``[n, height, width, channels]``."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from golive.domain.judging import Picture
from golive.ports import Arrays, Column, Float64

_CHANNELS = (1, 3, 4)
_LEAST_SIDE, _LEAST_GRAY = 4, 8
_GRAY, _COLORED = 3, 4
_POOLED = 8


class Layout(NamedTuple):
    """How a tensor holds images."""

    height: int
    width: int
    channels: int
    first: bool
    """Whether the channels stand before the lines, ``[n, c, h, w]``."""

    def images(self, array: Column) -> Float64:
        """Give float64 ``[n, height, width, channels]``."""
        if self.first:
            shaped = array.reshape(-1, self.channels, self.height, self.width).transpose(0, 2, 3, 1)
        else:
            shaped = array.reshape(-1, self.height, self.width, self.channels)
        return shaped.astype(np.float64)

    def tensor(self, images: Float64, like: Column) -> Column:
        """Give images in the shape and type of a tensor; whole numbers are rounded."""
        turned = images.transpose(0, 3, 1, 2) if self.first else images
        values = np.round(turned) if like.dtype.kind in "iu" else turned
        return np.ascontiguousarray(values.reshape(len(images), *like.shape[1:]), dtype=like.dtype)


def layouts_of(table: Arrays, declared: Picture | None) -> dict[str, Layout]:
    """Give the tensors that hold images: those that are declared to, else all that look like it.

    Floats and unsigned integers ``[n, h, w]`` with sides of 8 or more, ``[n, c, h, w]`` or ``[n, h, w, c]`` with 1, 3
    or 4 channels and sides of 4 or more do. A declared picture names its tensors in ``columns`` (empty: every one of
    as many values), which may be flat, ``[n, h * w * c]``.
    """
    if declared is not None:
        return _declared(table, declared)
    found = {name: _layout(array) for name, array in table.items() if array.dtype.kind in "fu"}
    return {name: layout for name, layout in found.items() if layout is not None}


def pooled(table: Arrays, layouts: Mapping[str, Layout]) -> dict[str, Float64]:
    """Summarize inputs as columns: of images means of at most 8 x 8 fields, of short rows of numbers each one."""
    columns: dict[str, Float64] = {}
    for name, array in table.items():
        if name in layouts:
            columns |= _fields(name, array, layouts[name])
        elif array.dtype.kind in "fiub" and array[:1].size <= _POOLED**2:
            flat = array.reshape(len(array), -1).astype(np.float64)
            columns |= {f"{name}[{place}]": flat[:, place] for place in range(flat.shape[1])}
    return columns


def _fields(name: str, array: Column, layout: Layout) -> dict[str, Float64]:
    lines = _cuts(layout.height)
    across = _cuts(layout.width)
    # A few rows at a time, as float64 images are larger than the tensor.
    step = max(2_000_000 // max(array[:1].size, 1), 1)
    parts = []
    for start in range(0, len(array), step):
        gray = layout.images(array[start : start + step]).mean(axis=3)
        sums = np.add.reduceat(np.add.reduceat(gray, lines, axis=1), across, axis=2)
        parts.append(sums.reshape(len(gray), -1))
    means = np.concatenate(parts)
    return {f"{name}[{place}]": means[:, place] for place in range(means.shape[1])}


def _cuts(length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.unique(np.linspace(0, length, min(_POOLED, length), endpoint=False).astype(np.int64))


def _declared(table: Arrays, declared: Picture) -> dict[str, Layout]:
    size = declared.height * declared.width * declared.channels
    names = [name for name in table if name in declared.columns or not declared.columns]
    found = {}
    for name in names:
        array = table[name]
        if array.dtype.kind in "fiu" and array[:1].size == size:
            first = array.shape[1:] == (declared.channels, declared.height, declared.width) and declared.channels > 1
            found[name] = Layout(declared.height, declared.width, declared.channels, first=first)
    return found


def _layout(array: Column) -> Layout | None:
    shape = array.shape[1:]
    if array.ndim == _GRAY:
        return Layout(shape[0], shape[1], 1, first=False) if min(shape) >= _LEAST_GRAY else None
    if array.ndim != _COLORED:
        return None
    after = shape[2] in _CHANNELS and min(shape[:2]) >= _LEAST_SIDE
    before = shape[0] in _CHANNELS and min(shape[1:]) >= _LEAST_SIDE
    if before and not (after and min(shape[:2]) > min(shape[1:])):
        return Layout(shape[1], shape[2], shape[0], first=True)
    return Layout(shape[0], shape[1], shape[2], first=False) if after else None
