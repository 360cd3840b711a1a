"""Signature: the named, typed fields that go into a model and come out of it."""

from typing import Literal

import msgspec

DType = Literal["float64", "int64", "bool", "string"]
Task = Literal["regression", "classification", "tensors"]
"""``tensors``: the model is served as its graph is, with :class:`Tensor` in and out and no rows of fields."""

TensorType = Literal[
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "string",
]
"""numpy's name of what a tensor holds."""

_PLAIN: dict[DType, float | int | bool | str] = {"float64": 0.0, "int64": 0, "bool": False, "string": "text"}


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column of a row, as a caller sends it."""

    name: str
    dtype: DType
    nullable: bool = False
    """Whether a caller may leave the field out or send ``null``."""
    minimum: float | None = None
    """The smallest value seen in training (documentation; not enforced)."""
    maximum: float | None = None
    """The largest value seen in training (documentation; not enforced)."""
    categories: tuple[str, ...] = ()
    """The values known from training; any other value is served as "unseen"."""
    unit: str = ""
    format: Literal["", "date"] = ""
    """``date``: a text in ISO 8601 form (``2011-07-25`` or ``2011-07-25T13:00:00``)."""
    example: float | int | bool | str | None = None

    @property
    def sample(self) -> float | int | bool | str | None:
        """A value to show or to try a model with: the example, or one that the checks let pass as far as is known."""
        if self.example is not None or self.nullable:
            return self.example
        if self.categories:
            return self.categories[0]
        if self.format == "date":
            return "2026-01-31"
        if self.minimum is not None:
            return int(self.minimum) if self.dtype == "int64" else self.minimum
        return _PLAIN[self.dtype]


class Tensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tensor that a graph reads or gives."""

    name: str
    dtype: TensorType
    shape: tuple[int | None, ...]
    """The length of each axis; None where it is only known of a request."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model takes and gives. Written once, when the model is packaged."""

    inputs: tuple[Field, ...]
    task: Task
    target: str
    """The name of what is predicted."""
    classes: tuple[str, ...] = ()
    """The labels of a classifier, in the order of its probabilities; empty for a regression."""
    class_dtype: DType = "string"
    """How the labels are written in answers (``int64`` labels come back as numbers)."""
    known_as: tuple[str, ...] = ()
    """What the data calls the classes, in the same order, where answers name them otherwise; empty: the same."""
    known_dtype: DType = "string"
    """How the data writes them, where ``known_as`` has any."""
    top_k: int = 0
    """Answers also name so many of the most probable labels, with their probabilities; 0: they do not."""
    unit: str = ""
    tensors: tuple[Tensor, ...] = ()
    """What the graph reads, where the task is ``tensors``; ``inputs`` is empty then."""
    outputs: tuple[Tensor, ...] = ()
    """What the graph gives, where the task is ``tensors``."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(field.name for field in self.inputs)

    @property
    def data_classes(self) -> tuple[str, ...]:
        """The labels as the data has them, in the order of the probabilities."""
        return self.known_as or self.classes
