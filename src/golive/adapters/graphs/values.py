"""Values: what stands between two operators of a graph while it is told to a backend, and how rules read them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.graphs.backend import Backend

Value = Any
"""A tensor of the backend, a numpy array (known beforehand), or :class:`Dims`."""
Attributes = Mapping[str, Any]
Rule = Callable[[Backend, Sequence[Value], Attributes], Value]
"""How an operator is told: the backend, the inputs (None where one is left out), the attributes; its output out."""


class Dims(list[Any]):
    """Lengths of axes: whole numbers, or what the backend has for one that is only known of a request."""

    def __init__(self, values: Sequence[Any], *, is_scalar: bool = False) -> None:
        super().__init__(values)
        self.is_scalar = is_scalar


class FormError(Exception):
    """An operator is used in a form that the table does not have.

    Args:
        what: the form.
        remedy: what helps, where that is not what helps with any form that is not had.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def tensor(backend: Backend, value: Value) -> Any:
    """Make a tensor of a value."""
    if isinstance(value, Dims):
        return backend.packed(value) if not value.is_scalar else backend.reshape(backend.packed(value), [])
    return backend.constant(value) if isinstance(value, (np.ndarray, np.generic)) else value


def given_at(given: Sequence[Value], place: int) -> Value | None:
    """Give an input, or None where it is left out."""
    return given[place] if len(given) > place else None


def known_numbers(value: Value, what: str) -> list[int]:
    """Give whole numbers that must be known beforehand.

    Raises:
        FormError: they are not; it is said of ``what``.
    """
    if isinstance(value, np.ndarray):
        return [int(one) for one in value.reshape(-1)]
    if isinstance(value, Dims) and all(isinstance(one, int) for one in value):
        return list(value)
    message = f"has {what} that are only known of a request"
    raise FormError(message)


def lengths_of(value: Value) -> list[Any]:
    """Give a shape that an operator is told.

    Raises:
        FormError: it is computed from what a tensor holds.
    """
    return list(value) if isinstance(value, Dims) else known_numbers(value, "lengths")


def axes_of(given: Sequence[Value], attributes: Attributes, place: int = 1) -> list[int] | None:
    """Give the axes that an operator is told, as an input or as an attribute; None where it is told none."""
    if (told := given_at(given, place)) is not None:
        return known_numbers(told, "axes")
    found = attributes.get("axes")
    return None if found is None else [int(one) for one in found]


def rank_of(b: Backend, x: Value) -> int:
    """Count the axes of a value."""
    return len(b.lengths(tensor(b, x)))


def like(b: Backend, x: Any, number: float) -> Any:
    """Give a number in the type of a tensor."""
    return b.constant(np.asarray(number, b.dtype(x)))


def scaled(b: Backend, x: Value, factor: float) -> Any:
    """Multiply a tensor with a number."""
    return b.binary("multiply", x, like(b, x, factor))
