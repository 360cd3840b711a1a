"""Order: what the processes of one run are told, and what they tell; JSON lines over their standard streams."""

import base64
from typing import Any

import msgspec
import pyarrow as pa

from golive.domain.digest import Digest
from golive.ports import Slice


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What every slice of a run has in common."""

    store: str
    """The folder of the bundle store."""
    bundle: Digest
    place: str
    source: str
    """The table plug-in that reads the place."""
    options: dict[str, str]
    kept: str
    """The columns that pass through, as :func:`schema_text` writes a schema."""
    sink: str
    """The table plug-in that writes parts."""
    parts: str
    """The folder for them."""
    probabilities: bool
    skip: bool
    """Whether rows that cannot be predicted are left out; else the first one ends its slice."""


class Task(msgspec.Struct, frozen=True):
    """One slice."""

    number: int
    part: Slice


class Refused(msgspec.Struct, frozen=True):
    """A row that cannot be predicted."""

    position: int
    """Among the rows of its slice, from 0."""
    reason: str


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one slice."""

    number: int
    seen: int = 0
    """Rows that were read, the refused among them."""
    written: int = 0
    path: str = ""
    """The part with the rows that were predicted."""
    refused: tuple[Refused, ...] = ()
    error: str = ""
    """The class of the error that ended it."""
    message: str = ""


def schema_text(schema: Any) -> str:
    """Write a ``pyarrow.Schema`` as text."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_of(text: str) -> Any:
    """Read it back."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
