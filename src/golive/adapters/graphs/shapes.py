"""Shapes: operators that give tensors another shape, or make them from one."""

from collections.abc import Mapping, Sequence

import numpy as np

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import Attributes, Dims, FormError, Rule, Value, axes_of, lengths_of, rank_of, tensor


def _unchanged(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    del b, attributes
    return given[0]


def _shape(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    lengths = list(given[0].shape) if isinstance(given[0], np.ndarray) else b.lengths(tensor(b, given[0]))
    return Dims(lengths[attributes.get("start", 0) : attributes.get("end", len(lengths))])


def _reshape(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    wanted = lengths_of(given[1])
    if isinstance(given[0], Dims) and wanted in ([1], [-1]):
        return Dims(given[0])
    x = tensor(b, given[0])
    if not attributes.get("allowzero"):
        before = b.lengths(x)
        wanted = [before[place] if isinstance(one, int) and one == 0 else one for place, one in enumerate(wanted)]
    return b.reshape(x, wanted)


def _flatten(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis = attributes.get("axis", 1) % (len(lengths) + 1)
    if axis == 0:
        return b.reshape(x, [1, -1])
    if axis == 1:
        return b.reshape(x, [lengths[0], -1])
    return b.reshape(x, [-1, int(np.prod(lengths[axis:]))])


def _squeeze(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if isinstance(given[0], Dims):
        return Dims(given[0], is_scalar=True)
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axes = axes_of(given, attributes)
    gone = (
        {place for place, one in enumerate(lengths) if one == 1} if axes is None else {a % len(lengths) for a in axes}
    )
    return b.reshape(x, [one for place, one in enumerate(lengths) if place not in gone])


def _unsqueeze(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if isinstance(given[0], Dims) and given[0].is_scalar:
        return Dims(given[0])
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axes = axes_of(given, attributes) or []
    new = sorted(axis % (len(lengths) + len(axes)) for axis in axes)
    for axis in new:
        lengths.insert(axis, 1)
    return b.reshape(x, lengths)


def _transpose(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.transpose(x, attributes.get("perm") or list(range(rank_of(b, x)))[::-1])


def _expand(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    wanted, lengths = lengths_of(given[1]), b.lengths(x)
    padded = [1] * (len(wanted) - len(lengths)) + lengths
    wanted = [1] * (len(padded) - len(wanted)) + wanted
    # Either side of a pair may be the one.
    return b.expand(
        b.reshape(x, padded),
        [have if isinstance(want, int) and want == 1 else want for have, want in zip(padded, wanted, strict=True)],
    )


def _filled(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32))).reshape(-1)
    lengths = lengths_of(given[0])
    if all(isinstance(one, int) for one in lengths):
        return np.full(lengths, value[0], value.dtype)
    return b.expand(b.reshape(b.constant(value), [1] * len(lengths)), lengths)


def _constant(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    del b, given
    [(name, value)] = attributes.items()
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if name != "value" and name not in kinds:
        message = f"holds a {name}"
        raise FormError(message)
    return np.asarray(value, kinds.get(name))


SHAPES: Mapping[str, Rule] = {
    "Identity": _unchanged,
    "Dropout": _unchanged,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Shape": _shape,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Expand": _expand,
}
