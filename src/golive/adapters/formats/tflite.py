"""TFLite: which operators a ``.tflite`` file needs, read from its tables without TensorFlow; nothing in it is run.

The file is a FlatBuffer: tables point to values by offsets. Every offset is held against the length of the file.
"""

import struct
from pathlib import Path

from golive.errors import DataError

MAGIC = b"TFL3"
MAGIC_AT = 4
MOST_BYTES = (2 << 30) - 1
MOST_ENTRIES = 1_000_000
"""Of one vector: tensors, operators."""
STATE = {
    6: "DELEGATE",
    27: "SVDF",
    44: "UNIDIRECTIONAL_SEQUENCE_LSTM",
    35: "UNIDIRECTIONAL_SEQUENCE_RNN",
    129: "CALL_ONCE",
    136: "HASHTABLE",
    137: "HASHTABLE_FIND",
    138: "HASHTABLE_IMPORT",
    139: "HASHTABLE_SIZE",
    142: "VAR_HANDLE",
    143: "READ_VARIABLE",
    144: "ASSIGN_VARIABLE",
}
"""Number of a built-in operator -> its name, for those that keep something from one call to the next."""
_KEEPS = {number for number in STATE if number not in {6, 27, 35, 44}}
"""Those that always do; the others only where one of their tensors is a variable."""
_CUSTOM = 32
_EXTENDED = 127
"""The number that says: the operator's number stands in another field."""


class _TooFarError(ValueError):
    """An offset leads out of the file."""


class _Table:
    """A table at a place in the file."""

    def __init__(self, content: bytes, place: int) -> None:
        self._content = content
        self._place = place
        self._fields = place - _unpacked("<i", content, place)

    def _at(self, field: int) -> int:
        """Give the place of a field, or 0 where the table does not have it."""
        if 4 + 2 * field >= _unpacked("<H", self._content, self._fields):
            return 0
        offset = _unpacked("<H", self._content, self._fields + 4 + 2 * field)
        return self._place + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        place = self._at(field)
        return _unpacked(form, self._content, place) if place else 0

    def text(self, field: int) -> str:
        place = self._at(field)
        if not place:
            return ""
        start, count = _vector(self._content, place, 1)
        return self._content[start : start + count].decode("utf-8", "replace")

    def numbers(self, field: int) -> tuple[int, ...]:
        place = self._at(field)
        if not place:
            return ()
        start, count = _vector(self._content, place, 4)
        return struct.unpack_from(f"<{count}i", self._content, start)

    def tables(self, field: int) -> "list[_Table]":
        place = self._at(field)
        if not place:
            return []
        start, count = _vector(self._content, place, 4)
        places = (start + 4 * step for step in range(count))
        return [_Table(self._content, at + _unpacked("<I", self._content, at)) for at in places]


def check_tflite(path: Path) -> None:
    """Look through a file.

    Raises:
        DataError: it is damaged, keeps state, or has operators of its own; the operators are named.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        message = f"{path} has {size:,} bytes, more than the 2 GB that one file can hold; it is made to do harm"
        raise DataError(message)
    content = path.read_bytes()
    if content[MAGIC_AT : MAGIC_AT + len(MAGIC)] != MAGIC:
        message = f"{path} does not begin as a TFLite file does; check that it is the right file"
        raise DataError(message)
    try:
        state, custom = _walked(content)
    except _TooFarError as error:
        message = f"{path} is a damaged TFLite file, or one that was cut short ({error}); get a whole copy of it"
        raise DataError(message) from error
    if custom:
        message = (
            f"{path} needs the operators {', '.join(custom)}, which are not TFLite's own; convert the model again with "
            "target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS], or import what it was made from"
        )
        raise DataError(message)
    if state:
        message = (
            f"{path} keeps values from one call to the next ({', '.join(state)}), and a server answers many callers "
            "with one model; convert it again as a function that takes its state as inputs and gives it as outputs "
            "(a Keras layer's return_state, or stateful=False), or call it in the process of one caller with the "
            "package ai-edge-litert"
        )
        raise DataError(message)


def _walked(content: bytes) -> tuple[list[str], list[str]]:
    """Give the names of operators that keep state, and of those that are not TFLite's own."""
    model = _Table(content, _unpacked("<I", content, 0))
    codes = [_code(table) for table in model.tables(1)]
    graphs = model.tables(2)
    if not graphs or not codes:
        message = "it holds no graph"
        raise _TooFarError(message)
    state, custom = set(), set()
    for graph in graphs:
        variables = {place for place, tensor in enumerate(graph.tables(0)) if tensor.number(5, "<b")}
        for operator in graph.tables(3):
            position = operator.number(0, "<I")
            if position >= len(codes):
                message = f"operator {position} of {len(codes)}"
                raise _TooFarError(message)
            number, name = codes[position]
            if number == _CUSTOM or name:
                custom.add(name or "without a name")
            elif number in _KEEPS or variables & set(operator.numbers(1)):
                state.add(STATE.get(number, f"the built-in operator {number} with a variable tensor"))
    return sorted(state), sorted(custom)


def _code(table: _Table) -> tuple[int, str]:
    """Give an operator's number and, where it is not TFLite's own, its name."""
    short = table.number(0, "<b")
    number = table.number(3, "<i") if short >= _EXTENDED else max(short, table.number(3, "<i"))
    return number, table.text(1) if number == _CUSTOM else ""


def _vector(content: bytes, place: int, size: int) -> tuple[int, int]:
    """Give where a vector's entries begin and how many there are."""
    start = place + _unpacked("<I", content, place)
    count = _unpacked("<I", content, start)
    if count * size > len(content) - start - 4 or (size > 1 and count > MOST_ENTRIES):
        message = f"a list of {count} entries where {len(content) - start - 4} bytes are left"
        raise _TooFarError(message)
    return start + 4, count


def _unpacked(form: str, content: bytes, place: int) -> int:
    if not 0 <= place <= len(content) - struct.calcsize(form):
        message = f"an offset to byte {place} of {len(content)}"
        raise _TooFarError(message)
    return int(struct.unpack_from(form, content, place)[0])
