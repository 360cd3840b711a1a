"""Orders: what a handler that loads a trusted file is asked, and what it says of the file."""

import msgspec


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What the sandbox found in the file."""

    kind: str
    """The class of the object, by full name."""
    columns: tuple[str, ...] = ()
    """The columns that it was fitted on, where it says so."""
    warnings: tuple[str, ...] = ()
    none_texts: tuple[str, ...] = ()
    """Columns of texts in which it knows a missing one as None; in all others that is NaN, as pandas reads tables."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Rows for the sandbox, in Arrow's stream form, and the name of what is predicted."""

    table: bytes
    target: str = ""
    """Of ``ask``, the method that is asked instead."""
    is_array: bool = False
    """Whether the object is to see an array, not a frame."""
    nan_texts: tuple[str, ...] = ()
    """Columns of texts in which a missing one is NaN, not None."""
