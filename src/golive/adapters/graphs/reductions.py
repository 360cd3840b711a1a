"""Reductions: operators that gather the values along axes."""

from collections.abc import Mapping, Sequence

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import Attributes, FormError, Rule, Value, axes_of, known_numbers, rank_of, tensor


def _reduce(name: str) -> Rule:
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        x = tensor(b, given[0])
        axes = axes_of(given, attributes)
        if not axes and attributes.get("noop_with_empty_axes"):
            return x
        rank = rank_of(b, x)
        places = sorted(axis % rank for axis in axes) if axes else list(range(rank))
        return b.reduce(name, x, places, keep=bool(attributes.get("keepdims", 1)))

    return rule


def _reduce_of(inner: str, after: str = "") -> Rule:
    """Reduce what another function makes of each value, and maybe put a function on the sum."""

    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        x = tensor(b, given[0])
        each = b.binary("multiply", x, x) if inner == "square" else b.unary(inner, x)
        found = _reduce("sum")(b, [each, *given[1:]], attributes)
        return b.unary(after, found) if after else found

    return rule


def _argmax(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("select_last_index"):
        message = "takes the last of equal ones"
        raise FormError(message)
    x = tensor(b, given[0])
    lengths = b.lengths(x)
    axis = attributes.get("axis", 0) % len(lengths)
    found = b.argmax(x, axis)
    lengths[axis] = 1
    return b.reshape(found, lengths) if attributes.get("keepdims", 1) else found


def _argmin(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return _argmax(b, [b.unary("negative", tensor(b, given[0]))], attributes)


def _cumsum(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("exclusive") or attributes.get("reverse"):
        message = "is exclusive or goes backward"
        raise FormError(message)
    x = tensor(b, given[0])
    return b.cumsum(x, known_numbers(given[1], "axes")[0] % rank_of(b, x))


REDUCTIONS: Mapping[str, Rule] = {
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
    "CumSum": _cumsum,
}
