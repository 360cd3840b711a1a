"""Footer: the end of a Parquet file, read and written so that row groups move to another file undecoded.

A footer is a struct in Thrift's compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md); its fields are those of
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

import base64
from collections.abc import Sequence
from typing import Any

MAGIC = b"PAR1"
_TRUE, _FALSE, _BYTE, _I16, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12
_INTEGERS = {_I16, 5, _I64}
_LONG = 15
Struct = dict[int, tuple[int, Any]]
"""Field -> (type, value); a list is (type of its items, items)."""

_NUM_ROWS, _ROW_GROUPS = 3, 4
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
_META_DATA = 3
_CHUNK_OFFSETS = (2, 4, 6)
_META_OFFSETS = (9, 10, 11, 14)


def read_footer(tail: bytes) -> Struct:
    """Read the struct from its bytes."""
    return _Reader(tail).struct()


def groups_note(footer: Struct, shift: int) -> str:
    """Write down the row groups of a file whose bytes are moved by ``shift``, as text."""
    groups = [_shifted(group, shift) for group in footer[_ROW_GROUPS][1][1]]
    out = bytearray()
    _write_list(out, (_STRUCT, groups))
    return base64.b64encode(bytes(out)).decode()


def joined_footer(template: Struct, notes: Sequence[str]) -> bytes:
    """Write the footer of a file that holds the row groups of the notes; gives its bytes."""
    groups = [group for note in notes for group in _Reader(base64.b64decode(note)).items()[1]]
    whole = dict(template)
    whole[_NUM_ROWS] = (_I64, sum(group[_GROUP_ROWS][1] for group in groups))
    whole[_ROW_GROUPS] = (_LIST, (_STRUCT, groups))
    out = bytearray()
    _write_struct(out, whole)
    return bytes(out)


def _shifted(group: Struct, shift: int) -> Struct:
    columns = []
    for chunk in group[_COLUMNS][1][1]:
        kind, meta = chunk[_META_DATA]
        moved = _moved(chunk, _CHUNK_OFFSETS, shift)
        moved[_META_DATA] = (kind, _moved(meta, _META_OFFSETS, shift))
        columns.append(moved)
    whole = _moved(group, (_GROUP_OFFSET,), shift)
    whole[_COLUMNS] = (_LIST, (_STRUCT, columns))
    whole.pop(_ORDINAL, None)  # optional, and another one in the whole file
    return whole


def _moved(struct: Struct, fields: Sequence[int], shift: int) -> Struct:
    # A chunk's file_offset of 0 says that its metadata stands in the footer alone.
    return {
        field: (kind, value + shift) if field in fields and value else (kind, value)
        for field, (kind, value) in struct.items()
    }


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self) -> Struct:
        found: Struct = {}
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            field = field + step if step else self._integer()
            found[field] = (kind, kind == _TRUE if kind in {_TRUE, _FALSE} else self._value(kind))
        return found

    def items(self) -> tuple[int, list[Any]]:
        head = self._byte()
        kind, size = head & 15, head >> 4
        size = self._varint() if size == _LONG else size
        return kind, [self._value(kind) for _ in range(size)]

    def _value(self, kind: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _STRUCT:
            return self.struct()
        if kind in {_LIST, _SET}:
            return self.items()
        if kind == _MAP:
            return self._map()
        return self._bytes(8) if kind == _DOUBLE else self._byte()

    def _map(self) -> tuple[int, list[tuple[Any, Any]]]:
        size = self._varint()
        kinds = self._byte() if size else 0
        return kinds, [(self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(size)]

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:  # noqa: PLR2004 the highest bit says that more follows
                return number

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]


def _write_struct(out: bytearray, struct: Struct) -> None:
    before = 0
    for field, (kind, value) in sorted(struct.items()):
        written = kind if kind not in {_TRUE, _FALSE} else _TRUE if value else _FALSE
        if 0 < field - before <= _LONG:
            out.append((field - before) << 4 | written)
        else:
            out.append(written)
            _write_integer(out, field)
        before = field
        if kind not in {_TRUE, _FALSE}:
            _write(out, kind, value)
    out.append(0)


def _write_list(out: bytearray, value: tuple[int, Sequence[Any]]) -> None:
    kind, items = value
    if len(items) < _LONG:
        out.append(len(items) << 4 | kind)
    else:
        out.append(_LONG << 4 | kind)
        _write_varint(out, len(items))
    for item in items:
        _write(out, kind, item)


def _write(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _write_integer(out, value)
    elif kind == _BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == _STRUCT:
        _write_struct(out, value)
    elif kind in {_LIST, _SET}:
        _write_list(out, value)
    elif kind == _MAP:
        _write_map(out, value)
    elif kind == _DOUBLE:
        out += value
    else:
        out.append(value)


def _write_map(out: bytearray, value: tuple[int, Sequence[tuple[Any, Any]]]) -> None:
    kinds, pairs = value
    _write_varint(out, len(pairs))
    if pairs:
        out.append(kinds)
    for key, item in pairs:
        _write(out, kinds >> 4, key)
        _write(out, kinds & 15, item)


def _write_integer(out: bytearray, number: int) -> None:
    _write_varint(out, (number << 1) ^ (number >> 63))


def _write_varint(out: bytearray, number: int) -> None:
    while number > 127:  # noqa: PLR2004 seven bits a byte
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
