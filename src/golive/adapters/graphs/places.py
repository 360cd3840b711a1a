"""Places: operators that take parts of tensors, and put tensors together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import (
    Attributes,
    Dims,
    FormError,
    Rule,
    Value,
    axes_of,
    given_at,
    known_numbers,
    lengths_of,
    rank_of,
    tensor,
)

_LAST = 1 << 62


def _concat(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if all(isinstance(one, np.ndarray) for one in given):
        return np.concatenate(given, attributes["axis"])
    if all(isinstance(one, (Dims, np.ndarray)) for one in given):
        return Dims([length for one in given for length in (one if isinstance(one, Dims) else one.tolist())])
    parts = [tensor(b, one) for one in given]
    return b.concat(parts, attributes["axis"] % rank_of(b, parts[0]))


def _gather(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    axis = attributes.get("axis", 0)
    if isinstance(given[0], Dims):
        places = known_numbers(given[1], "places")
        return Dims([given[0][place] for place in places], is_scalar=np.asarray(given[1]).ndim == 0)
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis %= len(lengths)
    return b.take(x, _from_start(b, given[1], lengths[axis]), axis)


def _gather_elements(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis = attributes.get("axis", 0) % len(lengths)
    return b.take_along(x, _from_start(b, given[1], lengths[axis]), axis)


def _from_start(b: Backend, places: Value, length: Any) -> Any:
    """Count places from the start; those below 0 count from the end."""
    if isinstance(places, np.ndarray) and (places >= 0).all():
        return b.constant(places.astype(np.int64))
    found = b.cast(tensor(b, places), np.int64)
    below = b.binary("less", found, b.constant(np.int64(0)))
    return b.where(below, b.binary("add", found, b.reshape(b.packed([length]), [])), found)


def _slice(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    starts, ends = (_ends(value) for value in given[1:3])
    axes = list(range(len(starts))) if (told := given_at(given, 3)) is None else known_numbers(told, "axes")
    steps = [1] * len(starts) if (told := given_at(given, 4)) is None else known_numbers(told, "steps")
    if any(step < 1 for step in steps):
        message = "goes backward"
        raise FormError(message)
    if isinstance(given[0], Dims):
        return Dims(given[0][starts[0] : ends[0] : steps[0]])
    x = tensor(b, given[0])
    slices = [slice(None)] * rank_of(b, x)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        slices[axis] = slice(start, None if isinstance(end, int) and end >= _LAST else end, step)
    return b.cut(x, slices)


def _ends(value: Value) -> list[Any]:
    """Give starts or ends; what lies beyond every axis is one number."""
    return [min(one, _LAST) if isinstance(one, int) else one for one in lengths_of(value)]


def _split(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis = attributes.get("axis", 0) % len(lengths)
    if given_at(given, 1) is not None:
        sizes = known_numbers(given[1], "sizes")
    else:
        count = attributes.get("num_outputs", 0)
        if not count or not isinstance(lengths[axis], int):
            message = "says neither how many parts nor how large"
            raise FormError(message)
        size = -(-lengths[axis] // count)
        sizes = [min(size, lengths[axis] - size * place) for place in range(count)]
    ends = np.cumsum(sizes).tolist()
    cuts = [[slice(None)] * axis + [slice(end - size, end)] for end, size in zip(ends, sizes, strict=True)]
    return tuple(b.cut(x, [*one, *[slice(None)] * (len(lengths) - axis - 1)]) for one in cuts)


def _tile(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    found = tensor(b, given[0])
    for axis, count in enumerate(known_numbers(given[1], "counts")):
        found = b.concat([found] * count, axis) if count > 1 else found
    return found


def _pad(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("mode", "constant") != "constant":
        message = f"has the mode {attributes['mode']!r}"
        raise FormError(message)
    x = tensor(b, given[0])
    rank = rank_of(b, x)
    numbers = known_numbers(given[1], "widths")
    axes = [axis % rank for axis in (axes_of(given, {}, 3) or range(rank))]
    widths = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        widths[axis] = (numbers[place], numbers[place + len(axes)])
    value = 0.0 if (told := given_at(given, 2)) is None else float(np.asarray(told))
    return b.pad(x, widths, value)


PLACES: Mapping[str, Rule] = {
    "Concat": _concat,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Slice": _slice,
    "Split": _split,
    "Tile": _tile,
    "Pad": _pad,
}
