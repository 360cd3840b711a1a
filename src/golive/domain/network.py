"""Network: a neural network and what its author alone knows: what its answers mean and how it reads a row."""

from collections.abc import Iterable
from math import isfinite
from typing import Any, Literal, get_args

import msgspec

from golive.errors import UsageError

Gives = Literal["values", "logits", "probabilities"]
Reads = Literal["", "float32", "float64", "int64", "int32"]
Label = str | int | float | bool


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network of PyTorch or Keras with what is declared about it; :func:`network` makes one."""

    module: Any
    gives: Gives
    classes: tuple[Label, ...] = ()
    shape: tuple[int, ...] = ()
    before: Any = None
    scale: float = 1.0
    shift: float = 0.0
    reads: Reads = ""


def network(
    module: Any,
    *,
    gives: Gives,
    classes: Iterable[Label] = (),
    shape: Iterable[int] = (),
    before: Any = None,
    scale: float = 1.0,
    shift: float = 0.0,
    reads: Reads = "",
) -> Network:
    """Declare what cannot be read from a network, so that ``golive.package`` can take it.

    A row's numbers, in the order of the columns, become one flat float64 row ``[k]``; ``before`` transforms it, then
    it is cast to what the network reads, put into ``shape``, and answered in the network's inference mode.

    Args:
        module: A ``torch.nn.Module``, a TorchScript module, a ``torch.export`` program, or a Keras model.
        gives: ``values``: one number a row. ``logits`` (log-probabilities too): one a class, softmax makes them
            probabilities; of two classes one number will do, the logit of the second. ``probabilities``: likewise.
        classes: The labels, in the order of the network's outputs; none for ``values``.
        shape: The shape of one row as the network reads it, such as ``(1, 8, 8)``; flat where not said.
        before: A fitted scikit-learn transformer or pipeline of them that stands before the network, such as a
            ``StandardScaler`` or a ``ColumnTransformer`` that also encodes text columns.
        scale: For ``values``: the answer is ``scale * output + shift``, which undoes a scaling of the target.
        shift: See ``scale``.
        reads: The dtype of the network's input; where not said, that of its floating-point weights.

    Raises:
        UsageError: the parts of the declaration do not go together.
    """
    declared = Network(
        module=module,
        gives=gives,
        classes=tuple(classes),
        shape=tuple(int(length) for length in shape),
        before=before,
        scale=float(scale),
        shift=float(shift),
        reads=reads,
    )
    if (objection := _objection(declared)) is not None:
        raise UsageError(objection)
    return declared


def _objection(declared: Network) -> str | None:
    return next(filter(None, (_wrong_word(declared), _wrong_labels(declared), _wrong_numbers(declared))), None)


def _wrong_word(declared: Network) -> str | None:
    if declared.gives not in get_args(Gives):
        return f"a network gives one of {', '.join(get_args(Gives))}, not {declared.gives!r}; say which"
    if declared.reads not in get_args(Reads):
        known = ", ".join(filter(None, get_args(Reads)))
        return f"a network that takes rows of a table reads one of {known}, not {declared.reads!r}; say which"
    return None


def _wrong_labels(declared: Network) -> str | None:
    labels = declared.classes
    if declared.gives == "values":
        remedy = "leave them out, or say gives='logits' or 'probabilities'"
        return f"a network that gives values has no classes, and {labels!r} were given; {remedy}" if labels else None
    if len(labels) < 2:  # noqa: PLR2004 (a choice needs two)
        needed = f"a network that gives {declared.gives} needs the labels of its outputs"
        return f"{needed}, at least two, and classes={labels!r} was given; name them"
    if len({str(label) for label in labels}) < len(labels):
        return f"a label occurs twice in classes={labels!r}; each output needs a label of its own"
    return None


def _wrong_numbers(declared: Network) -> str | None:
    if declared.gives != "values" and (declared.scale, declared.shift) != (1.0, 0.0):
        return f"scale and shift are for networks that give values, this one gives {declared.gives}; leave them out"
    if any(length < 1 for length in declared.shape):
        return f"shape={declared.shape} must be the lengths of one row's axes, without the axis of rows; mend it"
    if not (isfinite(declared.scale) and isfinite(declared.shift) and declared.scale):
        return f"scale={declared.scale} and shift={declared.shift} must be finite, and scale not 0; mend them"
    return None
