"""Header: the delimiter and the column names of a delimited text, from its first lines."""

import codecs
import csv
import gzip
import io
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from golive.adapters.tables.places import Place
from golive.errors import DataError

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 65_536
_CHUNK_BYTES = 1 << 20


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """How a delimited text begins."""

    delimiter: str
    names: tuple[str, ...]
    lines: int
    """Lines that the header takes; a quoted name may hold a line break."""
    notes: tuple[str, ...] = ()


def read_header(path: Place, *, delimiter: str, encoding: str) -> Header:
    """Read the first lines; an empty ``delimiter`` means: find it.

    Raises:
        DataError: the file is empty, is not text in this encoding, has doubled names, or its delimiter is unclear.
    """
    sample = _sample(path, encoding)
    if not sample.strip():
        message = f"{path} is empty: a header line and at least one row are needed"
        raise DataError(message)
    chosen = delimiter or _found_delimiter(path, sample)
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=chosen)
    raw = next(row for row in reader if row)
    names = tuple(name.strip() or f"column_{position}" for position, name in enumerate(raw, 1))
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        message = f"{path} has several columns named {', '.join(map(repr, doubled))}; give every column its own name"
        raise DataError(message)
    return Header(delimiter=chosen, names=names, lines=reader.line_num, notes=_notes(path, raw, chosen, delimiter))


def open_bytes(path: Place) -> BinaryIO:
    """Open a file for reading, unpacking ``.gz``."""
    if path.suffix != ".gz":
        return cast("BinaryIO", path.open("rb"))
    return cast("BinaryIO", gzip.open(path if isinstance(path, Path) else path.open("rb")))


def first_undecodable(path: Place, encoding: str) -> int | None:
    """Give the offset in bytes (of the unpacked text) of the first byte that is not in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with open_bytes(path) as file:
        while True:
            chunk = file.read(_CHUNK_BYTES)
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return done - waiting + error.start
            if not chunk:
                return None
            done += len(chunk)


def first_ragged(path: Place, header: Header, encoding: str) -> tuple[int, int] | None:
    """Give (line number, fields found) of the first row with another number of fields than the header."""
    with io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=header.delimiter)
        for row in reader:
            if row and len(row) != len(header.names):
                return reader.line_num, len(row)
    return None


def not_text(path: Place, encoding: str) -> DataError:
    """Say where a file stops being text in this encoding."""
    offset = first_undecodable(path, encoding)
    place = "" if offset is None else f" (byte {offset:,})"
    return DataError(
        f"{path} is not {encoding} text{place}; save it as UTF-8, or name its encoding in data.options "
        "(encoding: latin-1, for instance)"
    )


def _sample(path: Place, encoding: str) -> str:
    try:
        with open_bytes(path) as file:
            decoder: Any = codecs.getincrementaldecoder("utf-8-sig" if _is_utf8(encoding) else encoding)()
            return str(decoder.decode(file.read(_SAMPLE_CHARACTERS)))
    except UnicodeDecodeError as error:
        raise not_text(path, encoding) from error
    except LookupError as error:
        message = f"encoding {encoding!r} is not known; utf-8, latin-1, cp1252, gb18030 and utf-16 are common ones"
        raise DataError(message) from error
    except (OSError, EOFError) as error:
        message = f"{path} cannot be read: {error}"
        raise DataError(message) from error


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


def _found_delimiter(path: Place, sample: str) -> str:
    expected = "\t" if ".tsv" in path.suffixes else ","
    fitting = [mark for mark in _DELIMITERS if _fits(sample, mark)]
    if expected in fitting or not fitting:
        return expected
    if len(fitting) == 1:
        return fitting[0]
    message = (
        f"{path} may be delimited by {' or '.join(map(repr, fitting))}; say which in data.options, "
        f"such as delimiter: {fitting[0]!r}"
    )
    raise DataError(message)


def _fits(sample: str, delimiter: str) -> bool:
    rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
    whole = rows[:-1] if len(sample) >= _SAMPLE_CHARACTERS // 4 and len(rows) > 2 else rows  # noqa: PLR2004 the last may be cut
    return len(whole[0]) > 1 and len({len(row) for row in whole}) == 1


def _notes(path: Place, raw: list[str], chosen: str, asked: str) -> tuple[str, ...]:
    notes = []
    if not asked and chosen != ("\t" if ".tsv" in path.suffixes else ","):
        notes.append(f"columns are delimited by {chosen!r}, found from the first lines")
    blanks = [name for name in raw if name != name.strip()]
    if blanks:
        notes.append(f"blanks around {len(blanks)} column names were removed: {', '.join(map(repr, blanks[:5]))}")
    if any(not name.strip() for name in raw):
        notes.append("columns without a name are called column_1, column_2, ... by their position")
    return tuple(notes)
