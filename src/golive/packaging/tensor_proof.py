"""Tensor proof: a network and the graph that was written of it give the same tensors, whatever the number of rows.

Asked are the sample, its rows alone and in companies of two, three and seven, values made up like those of the sample
(drawn, constant, extreme), and other lengths of the open axes.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.evidence import Measure
from golive.errors import GoliveError, NotConvertibleError, ParityError, UsageError
from golive.packaging.parity import Proof
from golive.ports import Arrays, OpenAxes, TensorSession

Array = npt.NDArray[Any]
Ask = Callable[[Arrays], Mapping[str, Array]]
"""The original in inference mode; raises ValueError for what it cannot answer."""

MOST_ROWS = 256
"""Of the sample that are asked about."""
PIECE = 32
"""Rows asked at once: a convolution over all of them would take gigabytes."""
COMPANIES = (1, 2, 3, 7)
TOLERANCES = {"float16": 1e-2, "float64": 1e-9}
"""How far an output may be from the original, as a part of its tensor's largest value (or of 1)."""
SINGLE = 1e-5
_EXTREME = 100.0


class _Trial(msgspec.Struct, frozen=True, eq=False):
    """Tensors that both are asked for."""

    what: str
    feeds: dict[str, Array]
    real: bool = False
    """Whether they are of the sample, so that both must answer."""


def feeds_of(sample: Any) -> dict[str, Array]:
    """Give a sample's arrays by name; one array alone is called ``input``.

    Raises:
        UsageError: an array is empty, or of a type that no tensor has.
    """
    given = sample if isinstance(sample, Mapping) else {"input": sample}
    feeds = {str(name): _array(str(name), values) for name, values in given.items()}
    if not feeds:
        message = "the sample has no arrays; give one for each input of the network, by name"
        raise UsageError(message)
    return feeds


def axes_of(feeds: Arrays, declared: Mapping[str, Any] | None) -> dict[str, tuple[int, ...]]:
    """Say which axes are open: those declared, else the first ones as far as they are as long as that of the first.

    Raises:
        UsageError: an input or axis that is declared is not there.
    """
    if declared is None:
        first = next((array.shape[0] for array in feeds.values() if array.ndim), None)
        return {name: (0,) if array.ndim and array.shape[0] == first else () for name, array in feeds.items()}
    found: dict[str, tuple[int, ...]] = {name: (0,) if array.ndim else () for name, array in feeds.items()}
    for name, axes in declared.items():
        chosen = tuple(int(axis) for axis in axes)
        if name not in feeds or any(not 0 <= axis < feeds[name].ndim for axis in chosen):
            shapes = ", ".join(f"{known} {list(array.shape)}" for known, array in feeds.items())
            message = f"open_axes names the axes {chosen} of {name!r}, and the sample has {shapes}; mend one of them"
            raise UsageError(message)
        found[name] = chosen
    return found


def example_of(feeds: Arrays, axes: OpenAxes) -> dict[str, Array]:
    """Give an example for an exporter: two rows, no open axis of one, which would be taken for a constant."""
    some = _rows(feeds, axes, np.arange(2))
    return {name: _at_least(array, axes[name], 2) for name, array in some.items()}


def prove_tensors(
    original: Ask, session: TensorSession, sample: Arrays, axes: OpenAxes, *, tolerance: float, seed: int = 0
) -> Proof:
    """Ask both for the same tensors, and compare every output.

    Args:
        original: The network.
        session: The graph, as it will be served.
        sample: Real inputs.
        axes: The open axes of each.
        tolerance: The greatest allowed difference, where the type of an output does not need more.
        seed: Of the values that are made up.

    Raises:
        NotConvertibleError: the network cannot answer the sample.
        ParityError: an output differs in its type, shape or values, or the graph does not answer.
    """
    worst, asked, unanswered = 0.0, 0, 0
    for trial in _trials(sample, axes, np.random.default_rng(seed)):
        try:
            expected = original(trial.feeds)
        except ValueError as error:
            if trial.real:
                message = f"the network does not answer its sample ({error}); give inputs as it saw them in training"
                raise NotConvertibleError(message) from error
            unanswered += 1
            continue
        worst = max(worst, _compared(expected, _answered(session, trial), trial, tolerance))
        asked += 1
    rows = _count(sample, axes)
    return Proof(
        rows=min(rows, MOST_ROWS),
        measures=(
            Measure(
                name="parity.difference", value=worst, rows=min(rows, MOST_ROWS), better="lower", note=f"{asked} runs"
            ),
        ),
        details={
            "form": "tensors",
            "tolerance": {tensor.name: _allowed(tensor.dtype, tolerance) for tensor in session.outputs},
            "runs": asked,
            "unanswered_runs": unanswered,
            "open_axes": {name: list(found) for name, found in axes.items()},
        },
    )


def _trials(sample: Arrays, axes: OpenAxes, random: np.random.Generator) -> Iterator[_Trial]:
    count = _count(sample, axes)
    for start in range(0, min(count, MOST_ROWS), PIECE):
        chosen = np.arange(start, min(start + PIECE, count, MOST_ROWS))
        yield _Trial("the sample", _rows(sample, axes, chosen), real=True)
    if not any(axes.values()):
        yield from _made(dict(sample), random)
        return
    for size in COMPANIES:
        chosen = random.integers(0, count, size)
        some = _rows(sample, axes, chosen)
        yield _Trial(f"{size} rows of the sample", some, real=count > 1 or size == 1)
        yield from _made(some, random)
    for length in sorted({length for name, array in sample.items() for length in _lengths(array, axes[name])}):
        for other in sorted({1, max(1, length // 2), length + 1, 2 * length + 1} - {length}):
            feeds = {name: _resized(array, axes[name], length, other) for name, array in sample.items()}
            yield _Trial(f"an open axis {other} long", _rows(feeds, axes, random.integers(0, count, 2)))


def _made(feeds: dict[str, Array], random: np.random.Generator) -> Iterator[_Trial]:
    kinds: Mapping[str, Callable[[Array], Array]] = {
        "values drawn like the sample's": lambda array: _drawn(array, random),
        "values that are all the same": lambda array: np.full_like(array, array.min() if array.size else 0),
        "extreme values": _extreme,
    }
    for what, make in kinds.items():
        yield _Trial(what, {name: make(array) for name, array in feeds.items()})


def _drawn(array: Array, random: np.random.Generator) -> Array:
    """Draw values: floats as wide as the sample's, bytes of any value, and of other whole numbers those that occur."""
    if array.dtype.kind == "f":
        drawn = random.normal(np.mean(array), np.std(array) + 1e-3, array.shape)
        return np.asarray(drawn, array.dtype)
    if array.dtype == np.uint8:
        return random.integers(0, 255, array.shape, endpoint=True, dtype=np.uint8)
    return random.permutation(array.reshape(-1)).reshape(array.shape)


def _extreme(array: Array) -> Array:
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(array * array.dtype.type(_EXTREME), array.dtype)
    return np.full_like(array, 255 if array.dtype == np.uint8 else array.max() if array.size else 0)


def _answered(session: TensorSession, trial: _Trial) -> dict[str, Array]:
    try:
        return session.run(trial.feeds)
    except GoliveError as error:
        message = (
            f"the graph does not answer {trial.what} ({_shapes(trial.feeds)}), as the network does: {error.message}; "
            "declare which axes are open: open_axes={name: (axis, ...)}"
        )
        raise ParityError(message) from error


def _compared(expected: Mapping[str, Array], found: Mapping[str, Array], trial: _Trial, tolerance: float) -> float:
    worst = 0.0
    for name, wanted in expected.items():
        came = found.get(name)
        if came is None or came.dtype != wanted.dtype or came.shape != wanted.shape:
            described = "nothing" if came is None else f"{came.dtype} {list(came.shape)}"
            message = (
                f"of {trial.what} the network gives {name!r} as {wanted.dtype} {list(wanted.shape)}, the graph "
                f"{described}; declare which axes are open (open_axes=), or report it"
            )
            raise ParityError(message)
        apart = _apart(came, wanted)
        allowed = _allowed(wanted.dtype.name, tolerance)
        if apart > allowed:
            message = (
                f"of {trial.what} ({_shapes(trial.feeds)}) the graph's {name!r} is {apart:.3g} away from the "
                f"network's (allowed: {allowed:.3g} of the largest value); {_place(came, wanted)}; give a greater "
                "tolerance= only if that is acceptable"
            )
            raise ParityError(message)
        worst = max(worst, apart)
    return worst


def _apart(came: Array, wanted: Array) -> float:
    """Give the greatest difference as a part of the largest value, or of 1; two NaN at one place are equal."""
    if wanted.dtype.kind != "f":
        return 0.0 if (came == wanted).all() else math.inf
    differences = _differences(came, wanted)
    finite = np.abs(wanted[np.isfinite(wanted)]).astype(np.float64)
    return float(differences.max(initial=0.0)) / max(1.0, float(finite.max(initial=0.0)))


def _differences(came: Array, wanted: Array) -> Array:
    with np.errstate(all="ignore"):
        apart = np.abs(came.astype(np.float64) - wanted.astype(np.float64))
    same = (came == wanted) | (np.isnan(came) & np.isnan(wanted))
    return np.asarray(np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart)))


def _place(came: Array, wanted: Array) -> str:
    bad = _differences(came, wanted) if wanted.dtype.kind == "f" else (came != wanted)
    worst = np.unravel_index(int(np.argmax(bad)), wanted.shape) if wanted.ndim else ()
    return f"at {[int(axis) for axis in worst]} the network gives {wanted[worst]!s}, the graph {came[worst]!s}"


def _allowed(dtype: str, tolerance: float) -> float:
    if not dtype.startswith("float"):
        return 0.0
    return max(tolerance, TOLERANCES.get(dtype, SINGLE))


def _count(feeds: Arrays, axes: OpenAxes) -> int:
    """Give how many rows there are: the length of the first open axis of the first tensor that has one."""
    return next((array.shape[axes[name][0]] for name, array in feeds.items() if axes[name]), 1)


def _rows(feeds: Arrays, axes: OpenAxes, chosen: npt.NDArray[np.int64]) -> dict[str, Array]:
    """Choose rows of all tensors whose first open axis is as long as that of the first."""
    count = _count(feeds, axes)

    def taken(name: str, array: Array) -> Array:
        if not axes[name] or array.shape[axes[name][0]] != count:
            return array
        return np.ascontiguousarray(np.take(array, chosen % count, axis=axes[name][0]))

    return {name: taken(name, array) for name, array in feeds.items()}


def _lengths(array: Array, axes: tuple[int, ...]) -> list[int]:
    return [array.shape[axis] for axis in axes[1:]]


def _resized(array: Array, axes: tuple[int, ...], length: int, other: int) -> Array:
    """Give open axes of one length another, repeating or leaving out; axes that are equally long go together."""
    for axis in axes[1:]:
        if array.shape[axis] == length:
            array = np.take(array, np.arange(other) % max(1, length), axis=axis)
    return array


def _at_least(array: Array, axes: tuple[int, ...], least: int) -> Array:
    for axis in axes:
        if array.shape[axis] < least:
            array = np.take(array, np.arange(least) % max(1, array.shape[axis]), axis=axis)
    return np.ascontiguousarray(array)


def _shapes(feeds: Arrays) -> str:
    return ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in feeds.items())


def _array(name: str, values: Any) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:  # noqa: PLR2004 (bytes of float64)
        message = f"the sample's {name!r} is {array.dtype}, and a network reads numbers or bools; cast it"
        raise UsageError(message)
    if array.size == 0:
        message = f"the sample's {name!r} has the shape {list(array.shape)} and no values; give some, as in training"
        raise UsageError(message)
    return array
