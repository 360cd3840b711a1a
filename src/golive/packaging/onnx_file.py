"""ONNX file: somebody's graph as it is, with what it reads and gives; checked before it is one of these."""

from typing import cast, get_args

import msgspec

from golive.domain.signature import DType, Signature, Tensor, TensorType
from golive.errors import NotConvertibleError

_KINDS: dict[str, TensorType] = {"float": "float32", "double": "float64"}
"""ONNX Runtime's name of an element type, where numpy has another one."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What a graph reads or gives under one name."""

    name: str
    kind: str
    """ONNX Runtime's name of the type: ``tensor(float)``, ``seq(map(int64,tensor(float)))``."""
    shape: tuple[int | None, ...] | None = ()
    """The length of each axis, None where it is only known of a request; None as a whole where not even the rank is."""

    @property
    def dtype(self) -> TensorType | None:
        """The name that numpy has for what the tensor holds; None for what is no tensor of numbers, bools or texts."""
        if not (self.kind.startswith("tensor(") and self.kind.endswith(")")):
            return None
        name = self.kind.removeprefix("tensor(").removesuffix(")")
        found = _KINDS.get(name, name)
        return cast("TensorType", found) if found in get_args(TensorType) else None


class OnnxFile(msgspec.Struct, frozen=True, kw_only=True):
    """A graph that was opened once in a sandbox, and could be."""

    content: bytes
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    producer: str = ""
    """The program that wrote it, and its version."""
    notes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    """The distinct true answers of the sample, in order, where there are few: the classes, if the graph names none."""
    answers_dtype: DType = "string"
    compared: str = ""
    """With what the graph was compared when it was made from another form; empty where the file is the graph."""
    difference: float = 0.0
    """How far apart their answers were at most, relative to max(1, |answer|)."""


def tensor_signature(file: OnnxFile, *, target: str = "") -> Signature:
    """Say what a graph reads and gives when it is served as it is.

    Args:
        file: the checked graph.
        target: the name of what is predicted; without one, the name of its first output.

    Raises:
        NotConvertibleError: an input or output is no tensor of numbers, bools or texts; the message names it.
    """
    return Signature(
        inputs=(),
        task="tensors",
        target=target or file.outputs[0].name,
        tensors=tuple(_tensor(value, "input") for value in file.inputs),
        outputs=tuple(_tensor(value, "output") for value in file.outputs),
    )


def _tensor(value: Value, side: str) -> Tensor:
    if value.dtype is None:
        remedy = (
            "give --sample and --target, so that it is served as a table and the maps are cut off"
            if "map(" in value.kind
            else "export the model with tensors of numbers, bools or texts only"
        )
        message = f"the {side} {value.name!r} is {value.kind}, which cannot be sent to or from a server; {remedy}"
        raise NotConvertibleError(message)
    if value.shape is None:
        message = (
            f"the {side} {value.name!r} has no known number of axes, which a server must know; "
            "export the model with the shape of each tensor declared"
        )
        raise NotConvertibleError(message)
    return Tensor(name=value.name, dtype=value.dtype, shape=value.shape)
