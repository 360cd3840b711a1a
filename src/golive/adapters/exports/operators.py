"""Operators: an ONNX graph told to another library, one operator at a time, by one table for all such libraries.

A :class:`Backend` is such a library: a few dozen primitives, named as numpy names them. A value on the way is one of
its tensors, a numpy array (known beforehand), or :class:`Dims` (lengths of axes, of which some are only known of a
request). Semantics are those of ONNX opset 13 and later (https://onnx.ai/onnx/operators) and of TreeEnsemble in
ai.onnx.ml 5.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import onnx
from onnx import numpy_helper

from golive.adapters.exports.tree_tables import TREES, trees
from golive.errors import NotConvertibleError

OLDEST = 13
_LAST = 1 << 62
_TO_NUMPY = onnx.helper.tensor_dtype_to_np_dtype

Value = Any
"""A tensor of the backend, a numpy array, or :class:`Dims`."""
Attributes = Mapping[str, Any]


class Backend(Protocol):
    """What the table asks of a library. ``binary`` and ``unary`` take numpy's names of functions."""

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


class Dims(list[Any]):
    """Lengths of axes: whole numbers, or what the backend has for one that is only known of a request."""

    def __init__(self, values: Sequence[Any], *, is_scalar: bool = False) -> None:
        super().__init__(values)
        self.is_scalar = is_scalar


class Program:
    """A graph that any backend can run.

    Args:
        graph: ONNX.

    Raises:
        NotConvertibleError: an operator, or a form of one, is not in the table; it is named.
    """

    def __init__(self, graph: bytes) -> None:
        model = onnx.load_model_from_string(graph)
        self._nodes = list(model.graph.node)
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.inputs = tuple(value.name for value in model.graph.input if value.name not in self.constants)
        self.outputs = tuple(value.name for value in model.graph.output)
        _check(model)

    def run(self, backend: Backend, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the graph to a backend: a tensor for each input in, one for each output out."""
        values: dict[str, Value] = {**self.constants, **feeds}
        for node in self._nodes:
            given = [values[name] if name else None for name in node.input]
            attributes = {one.name: _attribute(one) for one in node.attribute}
            try:
                found = TABLE[node.op_type](backend, given, attributes)
            except _FormError as error:
                message = f"the operator {node.op_type} ({node.name or node.output[0]}) {error}"
                raise NotConvertibleError(message) from error
            results = found if isinstance(found, tuple) else (found,)
            values.update(zip(node.output, results, strict=False))
        return {name: tensor(backend, values[name]) for name in self.outputs}


class _FormError(Exception):
    """An operator is used in a form that the table does not have."""


def tensor(backend: Backend, value: Value) -> Any:
    """Make a tensor of a value."""
    if isinstance(value, Dims):
        return backend.packed(value) if not value.is_scalar else backend.reshape(backend.packed(value), [])
    return backend.constant(value) if isinstance(value, (np.ndarray, np.generic)) else value


def _check(model: onnx.ModelProto) -> None:
    versions = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if versions.get("ai.onnx", OLDEST) < OLDEST:
        message = (
            f"the graph is written for opset {versions['ai.onnx']}, and the operators of {OLDEST} and later are known "
            "here; export the model anew for one of those, and import it again"
        )
        raise NotConvertibleError(message)
    absent = sorted({_named(node) for node in model.graph.node if not _known(node)})
    if absent or model.functions:
        message = (
            f"the graph needs {', '.join(absent) or 'functions of its own'}, for which this form has nothing; export "
            "it as onnx, which takes the graph as it is"
        )
        raise NotConvertibleError(message)


def _known(node: onnx.NodeProto) -> bool:
    if node.op_type == "TreeEnsemble":
        return node.domain == "ai.onnx.ml"
    return node.domain in {"", "ai.onnx"} and node.op_type in TABLE


def _named(node: onnx.NodeProto) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain else str(node.op_type)


def _attribute(entry: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(entry)
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return value.decode() if isinstance(value, bytes) else value


def _known_numbers(value: Value, what: str) -> list[int]:
    if isinstance(value, np.ndarray):
        return [int(one) for one in value.reshape(-1)]
    if isinstance(value, Dims) and all(isinstance(one, int) for one in value):
        return list(value)
    message = f"has {what} that are only known of a request; export it as onnx, which takes the graph as it is"
    raise _FormError(message)


def _lengths(value: Value) -> list[Any]:
    return list(value) if isinstance(value, Dims) else _known_numbers(value, "lengths")


def _rank(b: Backend, x: Value) -> int:
    return len(b.lengths(tensor(b, x)))


def _binary(name: str) -> "Rule":
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        del attributes
        x, y = given
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            return np.asarray(_NUMPY[name](x, y))
        if (dims := _of_dims(name, x, y)) is not None:
            return dims
        return b.binary(name, tensor(b, x), tensor(b, y))

    return rule


def _of_dims(name: str, x: Value, y: Value) -> Dims | None:
    """Compute with lengths of axes, where that is all there is."""
    if name not in _LENGTHS or not all(isinstance(one, Dims) or _is_whole(one) for one in (x, y)):
        return None
    left, right = (list(one) if isinstance(one, Dims) else one.reshape(-1).tolist() for one in (x, y))
    count = max(len(left), len(right))
    pairs = zip(left * (count // len(left)), right * (count // len(right)), strict=False)
    scalar = all(one.is_scalar if isinstance(one, Dims) else one.ndim == 0 for one in (x, y))
    return Dims([_LENGTHS[name](one, other) for one, other in pairs], is_scalar=scalar)


def _is_whole(value: Value) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "i" and value.size > 0


def _unary(name: str) -> "Rule":
    return lambda b, given, _: b.unary(name, tensor(b, given[0]))


def _of_several(name: str) -> "Rule":
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        found = given[0]
        for other in given[1:]:
            found = _binary(name)(b, [found, other], attributes)
        return found

    return rule


def _scaled(b: Backend, x: Value, factor: float) -> Any:
    return b.binary("multiply", x, _like(b, x, factor))


def _like(b: Backend, x: Any, number: float) -> Any:
    return b.constant(np.asarray(number, b.dtype(x)))


def _cast(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    dtype = _TO_NUMPY(attributes["to"])
    if isinstance(given[0], Dims) and dtype.kind == "i":
        return given[0]
    if isinstance(given[0], np.ndarray):
        return given[0].astype(dtype)
    return b.cast(tensor(b, given[0]), dtype)


def _where(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    condition, x, y = (tensor(b, one) for one in given)
    return b.where(condition, x, y)


def _clip(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    found = tensor(b, given[0])
    for name, bound in zip(("maximum", "minimum"), given[1:], strict=False):
        if bound is not None:
            found = b.binary(name, found, tensor(b, bound))
    return found


def _shape(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    lengths = list(given[0].shape) if isinstance(given[0], np.ndarray) else b.lengths(tensor(b, given[0]))
    return Dims(lengths[attributes.get("start", 0) : attributes.get("end", len(lengths))])


def _reshape(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    wanted = _lengths(given[1])
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


def _axes(given: Sequence[Value], attributes: Attributes, place: int = 1) -> list[int] | None:
    if len(given) > place and given[place] is not None:
        return _known_numbers(given[place], "axes")
    found = attributes.get("axes")
    return None if found is None else [int(one) for one in found]


def _squeeze(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if isinstance(given[0], Dims):
        return Dims(given[0], is_scalar=True)
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axes = _axes(given, attributes)
    gone = (
        {place for place, one in enumerate(lengths) if one == 1} if axes is None else {a % len(lengths) for a in axes}
    )
    return b.reshape(x, [one for place, one in enumerate(lengths) if place not in gone])


def _unsqueeze(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if isinstance(given[0], Dims) and given[0].is_scalar:
        return Dims(given[0])
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axes = _axes(given, attributes) or []
    new = sorted(axis % (len(lengths) + len(axes)) for axis in axes)
    for axis in new:
        lengths.insert(axis, 1)
    return b.reshape(x, lengths)


def _concat(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if all(isinstance(one, np.ndarray) for one in given):
        return np.concatenate(given, attributes["axis"])
    if all(isinstance(one, (Dims, np.ndarray)) for one in given):
        return Dims([length for one in given for length in (one if isinstance(one, Dims) else one.tolist())])
    parts = [tensor(b, one) for one in given]
    return b.concat(parts, attributes["axis"] % _rank(b, parts[0]))


def _gather(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    axis = attributes.get("axis", 0)
    if isinstance(given[0], Dims):
        places = _known_numbers(given[1], "places")
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
    axes = _known_numbers(given[3], "axes") if len(given) > 3 and given[3] is not None else list(range(len(starts)))  # noqa: PLR2004
    steps = _known_numbers(given[4], "steps") if len(given) > 4 else [1] * len(starts)  # noqa: PLR2004
    if any(step < 1 for step in steps):
        message = "goes backward; export it as onnx, which takes the graph as it is"
        raise _FormError(message)
    if isinstance(given[0], Dims):
        return Dims(given[0][starts[0] : ends[0] : steps[0]])
    x = tensor(b, given[0])
    slices = [slice(None)] * _rank(b, x)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        slices[axis] = slice(start, None if isinstance(end, int) and end >= _LAST else end, step)
    return b.cut(x, slices)


def _ends(value: Value) -> list[Any]:
    """Give starts or ends; what lies beyond every axis is one number."""
    return [min(one, _LAST) if isinstance(one, int) else one for one in _lengths(value)]


def _split(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis = attributes.get("axis", 0) % len(lengths)
    if len(given) > 1 and given[1] is not None:
        sizes = _known_numbers(given[1], "sizes")
    else:
        count = attributes.get("num_outputs", 0)
        if not count or not isinstance(lengths[axis], int):
            message = "says neither how many parts nor how large; export it as onnx, which takes the graph as it is"
            raise _FormError(message)
        size = -(-lengths[axis] // count)
        sizes = [min(size, lengths[axis] - size * place) for place in range(count)]
    ends = np.cumsum(sizes).tolist()
    cuts = [[slice(None)] * axis + [slice(end - size, end)] for end, size in zip(ends, sizes, strict=True)]
    return tuple(b.cut(x, [*one, *[slice(None)] * (len(lengths) - axis - 1)]) for one in cuts)


def _transpose(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.transpose(x, attributes.get("perm") or list(range(_rank(b, x)))[::-1])


def _expand(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    wanted, lengths = _lengths(given[1]), b.lengths(x)
    padded = [1] * (len(wanted) - len(lengths)) + lengths
    wanted = [1] * (len(padded) - len(wanted)) + wanted
    # Either side of a pair may be the one.
    return b.expand(
        b.reshape(x, padded),
        [have if isinstance(want, int) and want == 1 else want for have, want in zip(padded, wanted, strict=True)],
    )


def _tile(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    found = tensor(b, given[0])
    for axis, count in enumerate(_known_numbers(given[1], "counts")):
        found = b.concat([found] * count, axis) if count > 1 else found
    return found


def _pad(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("mode", "constant") != "constant":
        message = f"has the mode {attributes['mode']!r}; export it as onnx, which takes the graph as it is"
        raise _FormError(message)
    x = tensor(b, given[0])
    rank = _rank(b, x)
    numbers = _known_numbers(given[1], "widths")
    axes = [axis % rank for axis in (_axes(given, {}, 3) or range(rank))]
    widths = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        widths[axis] = (numbers[place], numbers[place + len(axes)])
    value = float(np.asarray(given[2])) if len(given) > 2 and given[2] is not None else 0.0  # noqa: PLR2004
    return b.pad(x, widths, value)


def _reduce(name: str) -> "Rule":
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        x = tensor(b, given[0])
        axes = _axes(given, attributes)
        if not axes and attributes.get("noop_with_empty_axes"):
            return x
        rank = _rank(b, x)
        places = sorted(axis % rank for axis in axes) if axes else list(range(rank))
        return b.reduce(name, x, places, keep=bool(attributes.get("keepdims", 1)))

    return rule


def _reduce_of(inner: str, after: str = "") -> "Rule":
    """Reduce what another function makes of each value, and maybe put a function on the sum."""

    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        x = tensor(b, given[0])
        each = b.binary("multiply", x, x) if inner == "square" else b.unary(inner, x)
        found = _reduce("sum")(b, [each, *given[1:]], attributes)
        return b.unary(after, found) if after else found

    return rule


def _argmax(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("select_last_index"):
        message = "takes the last of equal ones; export it as onnx, which takes the graph as it is"
        raise _FormError(message)
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis = attributes.get("axis", 0) % len(lengths)
    found = b.argmax(x, axis)
    lengths[axis] = 1
    return b.reshape(found, lengths) if attributes.get("keepdims", 1) else found


def _argmin(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return _argmax(b, [b.unary("negative", tensor(b, given[0]))], attributes)


def _softmax(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.softmax(x, attributes.get("axis", -1) % _rank(b, x))


def _log_softmax(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    axis = [attributes.get("axis", -1) % _rank(b, x)]
    moved = b.binary("subtract", x, b.reduce("max", x, axis, keep=True))
    whole = b.reduce("sum", b.unary("exp", moved), axis, keep=True)
    return b.binary("subtract", moved, b.unary("log", whole))


def _gemm(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x, y = (
        b.transpose(tensor(b, one), [1, 0]) if attributes.get(name) else tensor(b, one)
        for one, name in zip(given[:2], ("transA", "transB"), strict=True)
    )
    found = b.matmul(x, y)
    if (alpha := attributes.get("alpha", 1.0)) != 1.0:
        found = _scaled(b, found, alpha)
    if len(given) > 2 and given[2] is not None:  # noqa: PLR2004 - the bias may be left out
        bias = tensor(b, given[2])
        beta = attributes.get("beta", 1.0)
        found = b.binary("add", found, bias if beta == 1.0 else _scaled(b, bias, beta))
    return found


def _widths(
    b: Backend, x: Any, attributes: Attributes, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """Say what is added before and after each axis of an image."""
    count, auto = len(sizes), attributes.get("auto_pad", "NOTSET")
    if auto in {"NOTSET", "VALID"}:
        pads = list(attributes.get("pads") or [0] * 2 * count) if auto == "NOTSET" else [0] * 2 * count
        return list(zip(pads[:count], pads[count:], strict=True))
    widths = []
    for length, size, stride, dilation in zip(b.lengths(x)[2:], sizes, strides, dilations, strict=True):
        if not isinstance(length, int):
            message = "fills up axes of unknown length; export the model with explicit padding"
            raise _FormError(message)
        whole = max(0, (-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length)
        less, more = whole // 2, whole - whole // 2
        widths.append((less, more) if auto == "SAME_UPPER" else (more, less))
    return widths


def _conv(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x, weights = tensor(b, given[0]), tensor(b, given[1])
    sizes = b.lengths(weights)[2:]
    strides = attributes.get("strides") or [1] * len(sizes)
    dilations = attributes.get("dilations") or [1] * len(sizes)
    widths = _widths(b, x, attributes, sizes, strides, dilations)
    if any(before or after for before, after in widths):
        x = b.pad(x, [(0, 0), (0, 0), *widths], 0.0)
    found = b.conv(x, weights, strides=strides, dilations=dilations, groups=attributes.get("group", 1))
    if len(given) > 2 and given[2] is not None:  # noqa: PLR2004 - the bias may be left out
        found = b.binary("add", found, b.reshape(tensor(b, given[2]), [1, -1, *[1] * len(sizes)]))
    return found


def _pool(kind: str) -> "Rule":
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        x, sizes = tensor(b, given[0]), list(attributes["kernel_shape"])
        strides = attributes.get("strides") or [1] * len(sizes)
        if attributes.get("ceil_mode") or any(one != 1 for one in attributes.get("dilations") or []):
            message = "rounds lengths up or leaves gaps; export it as onnx, which takes the graph as it is"
            raise _FormError(message)
        widths = _widths(b, x, attributes, sizes, strides, [1] * len(sizes))
        if not any(before or after for before, after in widths):
            return b.pool(kind, x, sizes, strides)
        around = [(0, 0), (0, 0), *widths]
        if kind == "max":
            return b.pool(kind, b.pad(x, around, float("-inf")), sizes, strides)
        found = b.pool(kind, b.pad(x, around, 0.0), sizes, strides)
        if attributes.get("count_include_pad"):
            return found
        ones = b.binary("add", _scaled(b, x, 0.0), _like(b, x, 1.0))
        return b.binary("divide", found, b.pool(kind, b.pad(ones, around, 0.0), sizes, strides))

    return rule


def _global_pool(name: str) -> "Rule":
    def rule(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
        x = tensor(b, given[0])
        return b.reduce(name, x, list(range(2, _rank(b, x))), keep=True)

    return rule


def _batch_norm(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("training_mode"):
        message = "is in training mode; export the model for inference"
        raise _FormError(message)
    x = tensor(b, given[0])
    shape = [1, -1, *[1] * (_rank(b, x) - 2)]
    scale, bias, mean, variance = (b.reshape(tensor(b, one), shape) for one in given[1:5])
    return _normal(b, x, mean, variance, attributes.get("epsilon", 1e-5), scale, bias)


def _layer_norm(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    rank = _rank(b, x)
    axes = list(range(attributes.get("axis", -1) % rank, rank))
    mean = b.reduce("mean", x, axes, keep=True)
    apart = b.binary("subtract", x, mean)
    variance = b.reduce("mean", b.binary("multiply", apart, apart), axes, keep=True)
    bias = tensor(b, given[2]) if len(given) > 2 and given[2] is not None else _like(b, x, 0.0)  # noqa: PLR2004
    return _normal(b, x, mean, variance, attributes.get("epsilon", 1e-5), tensor(b, given[1]), bias)


def _normal(b: Backend, x: Any, mean: Any, variance: Any, epsilon: float, scale: Any, bias: Any) -> Any:
    spread = b.unary("sqrt", b.binary("add", variance, _like(b, variance, epsilon)))
    whole = b.binary("divide", b.binary("subtract", x, mean), spread)
    return b.binary("add", b.binary("multiply", whole, scale), bias)


def _leaky(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    below = b.binary("less", x, _like(b, x, 0.0))
    return b.where(below, _scaled(b, x, attributes.get("alpha", 0.01)), x)


def _elu(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    grown = b.binary("subtract", b.unary("exp", b.binary("minimum", x, _like(b, x, 0.0))), _like(b, x, 1.0))
    below = b.binary("less", x, _like(b, x, 0.0))
    return b.where(below, _scaled(b, grown, attributes.get("alpha", 1.0)), x)


def _prelu(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x, slope = tensor(b, given[0]), tensor(b, given[1])
    return b.where(b.binary("less", x, _like(b, x, 0.0)), b.binary("multiply", x, slope), x)


def _hard_sigmoid(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    line = b.binary("add", _scaled(b, x, attributes.get("alpha", 0.2)), _like(b, x, attributes.get("beta", 0.5)))
    return b.binary("minimum", b.binary("maximum", line, _like(b, x, 0.0)), _like(b, x, 1.0))


def _hard_swish(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("multiply", x, _hard_sigmoid(b, [x], {"alpha": 1 / 6, "beta": 0.5}))


def _gelu(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    if attributes.get("approximate", "none") == "tanh":
        cube = b.binary("multiply", x, b.binary("multiply", x, x))
        inner = b.unary("tanh", _scaled(b, b.binary("add", x, _scaled(b, cube, 0.044715)), (2 / np.pi) ** 0.5))
    else:
        inner = b.unary("erf", _scaled(b, x, 0.5**0.5))
    return b.binary("multiply", _scaled(b, x, 0.5), b.binary("add", inner, _like(b, x, 1.0)))


def _softplus(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    small = b.unary("exp", b.unary("negative", b.unary("absolute", x)))
    high = b.binary("maximum", x, _like(b, x, 0.0))
    return b.binary("add", high, b.unary("log", b.binary("add", small, _like(b, x, 1.0))))


def _relu(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("maximum", x, _like(b, x, 0.0))


def _reciprocal(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("divide", _like(b, x, 1.0), x)


def _mod(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return _binary("fmod" if attributes.get("fmod") else "mod")(b, given, attributes)


def _mean(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return _scaled(b, tensor(b, _of_several("add")(b, given, attributes)), 1 / len(given))


def _cumsum(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("exclusive") or attributes.get("reverse"):
        message = "is exclusive or goes backward; export it as onnx, which takes the graph as it is"
        raise _FormError(message)
    x = tensor(b, given[0])
    return b.cumsum(x, _known_numbers(given[1], "axes")[0] % _rank(b, x))


def _filled(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32))).reshape(-1)
    lengths = _lengths(given[0])
    if all(isinstance(one, int) for one in lengths):
        return np.full(lengths, value[0], value.dtype)
    return b.expand(b.reshape(b.constant(value), [1] * len(lengths)), lengths)


def _constant(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    del b, given
    [(name, value)] = attributes.items()
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if name != "value" and name not in kinds:
        message = f"holds a {name}; export it as onnx, which takes the graph as it is"
        raise _FormError(message)
    return np.asarray(value, kinds.get(name))


def _dequantize(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x, scale = tensor(b, given[0]), tensor(b, given[1])
    dtype = b.dtype(scale)
    found = b.cast(x, dtype)
    if len(given) > 2 and given[2] is not None:  # noqa: PLR2004 - the zero point may be left out
        found = b.binary("subtract", found, _along(b, b.cast(tensor(b, given[2]), dtype), x, attributes))
    return b.binary("multiply", found, _along(b, scale, x, attributes))


def _quantize(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    zero = tensor(b, given[2]) if len(given) > 2 and given[2] is not None else b.constant(np.uint8(0))  # noqa: PLR2004
    dtype = np.dtype(b.dtype(zero))
    found = b.unary("rint", b.binary("divide", x, _along(b, tensor(b, given[1]), x, attributes)))
    found = b.binary("add", found, _along(b, b.cast(zero, b.dtype(x)), x, attributes))
    info = np.iinfo(dtype)
    low, high = _like(b, x, float(info.min)), _like(b, x, float(info.max))
    return b.cast(b.binary("minimum", b.binary("maximum", found, low), high), dtype)


def _along(b: Backend, values: Any, x: Any, attributes: Attributes) -> Any:
    """Put one number for each place of an axis beside the tensor that they are for."""
    if len(b.lengths(values)) == 0:
        return values
    rank = _rank(b, x)
    shape = [1] * rank
    shape[attributes.get("axis", 1) % rank] = -1
    return b.reshape(values, shape)


def _dynamic_quantize(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    axes = list(range(_rank(b, x)))
    zero, most = _like(b, x, 0.0), _like(b, x, 255.0)
    low = b.binary("minimum", b.reduce("min", x, axes, keep=False), zero)
    high = b.binary("maximum", b.reduce("max", x, axes, keep=False), zero)
    scale = b.binary("divide", b.binary("subtract", high, low), most)
    point = b.unary("rint", b.binary("divide", b.unary("negative", low), scale))
    point = b.cast(b.binary("minimum", b.binary("maximum", point, zero), most), np.uint8)
    return _quantize(b, [x, scale, point], {}), scale, point


def _matmul_integer(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    pair = [b.cast(tensor(b, one), np.int32) for one in given[:2]]
    for place, zero in enumerate(given[2:]):
        if zero is not None:
            pair[place] = b.binary("subtract", pair[place], b.cast(tensor(b, zero), np.int32))
    return b.matmul(*pair)


def _is_infinite(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    signs = [1.0] * attributes.get("detect_positive", 1) + [-1.0] * attributes.get("detect_negative", 1)
    found = [b.binary("equal", x, _like(b, x, sign * np.inf)) for sign in signs]
    return b.binary("logical_or", *found) if len(found) > 1 else found[0]


Rule = Callable[[Backend, Sequence[Value], Attributes], Value]

_NUMPY: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda x, y: np.trunc(x / y).astype(x.dtype) if x.dtype.kind in "iu" else x / y,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "mod": np.mod,
    "fmod": np.fmod,
}
_LENGTHS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x // y,
}
TABLE: dict[str, Rule] = {
    "Add": _binary("add"),
    "Sub": _binary("subtract"),
    "Mul": _binary("multiply"),
    "Div": _binary("divide"),
    "Pow": _binary("power"),
    "Equal": _binary("equal"),
    "Less": _binary("less"),
    "LessOrEqual": _binary("less_equal"),
    "Greater": _binary("greater"),
    "GreaterOrEqual": _binary("greater_equal"),
    "And": _binary("logical_and"),
    "Or": _binary("logical_or"),
    "Xor": _binary("logical_xor"),
    "Mod": _mod,
    "Max": _of_several("maximum"),
    "Min": _of_several("minimum"),
    "Sum": _of_several("add"),
    "Mean": _mean,
    "Abs": _unary("absolute"),
    "Neg": _unary("negative"),
    "Exp": _unary("exp"),
    "Log": _unary("log"),
    "Sqrt": _unary("sqrt"),
    "Floor": _unary("floor"),
    "Ceil": _unary("ceil"),
    "Round": _unary("rint"),
    "Sign": _unary("sign"),
    "Sin": _unary("sin"),
    "Cos": _unary("cos"),
    "Tan": _unary("tan"),
    "Atan": _unary("arctan"),
    "Tanh": _unary("tanh"),
    "Erf": _unary("erf"),
    "Sigmoid": _unary("sigmoid"),
    "IsNaN": _unary("isnan"),
    "IsInf": _is_infinite,
    "Not": _unary("logical_not"),
    "Identity": lambda b, given, attributes: given[0],  # noqa: ARG005 - the form of a rule
    "Dropout": lambda b, given, attributes: given[0],  # noqa: ARG005 - the form of a rule
    "Relu": _relu,
    "LeakyRelu": _leaky,
    "PRelu": _prelu,
    "Elu": _elu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "Gelu": _gelu,
    "Softplus": _softplus,
    "Reciprocal": _reciprocal,
    "Clip": _clip,
    "Cast": _cast,
    "Where": _where,
    "Shape": _shape,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Slice": _slice,
    "Split": _split,
    "Transpose": _transpose,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "ReduceSum": _reduce("sum"),
    "ReduceMean": _reduce("mean"),
    "ReduceMax": _reduce("max"),
    "ReduceMin": _reduce("min"),
    "ReduceProd": _reduce("prod"),
    "ReduceL1": _reduce_of("absolute"),
    "ReduceL2": _reduce_of("square", "sqrt"),
    "ReduceSumSquare": _reduce_of("square"),
    "ReduceLogSumExp": _reduce_of("exp", "log"),
    "ArgMax": _argmax,
    "ArgMin": _argmin,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "MatMul": lambda b, given, _: b.matmul(tensor(b, given[0]), tensor(b, given[1])),
    "MatMulInteger": _matmul_integer,
    "Gemm": _gemm,
    "Conv": _conv,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("mean"),
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("max"),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "CumSum": _cumsum,
    "ConstantOfShape": _filled,
    "Constant": _constant,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "DynamicQuantizeLinear": _dynamic_quantize,
    TREES: lambda b, given, attributes: trees(b, tensor(b, given[0]), attributes),
}
"""Operator -> how it is told to a backend."""
