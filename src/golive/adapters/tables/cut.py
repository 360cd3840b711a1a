"""Cut: a stream of bytes in, blocks that end where a record ends out."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from golive.errors import DataError

_LONGEST_RECORD = 256 << 20

Ending = Callable[[bytes], int]
"""Gives the length of a block's whole records; the block begins with a record."""


def blocks(stream: BinaryIO, size: int, ending: Ending, name: str) -> Iterator[bytes]:
    """Yield blocks of about ``size`` bytes; the last may lack its line end.

    Raises:
        DataError: a record does not end within 256 MB.
    """
    held = b""
    while chunk := stream.read(size):
        held += bytes(chunk)
        end = ending(held)
        if end:
            yield held[:end]
            held = held[end:]
        elif len(held) > _LONGEST_RECORD:
            message = f"{name} has a record that does not end within 256 MB; look for a quotation mark that is open"
            raise DataError(message)
    if held.strip():
        yield held


def line_ending(block: bytes) -> int:
    """Give the length of the whole lines."""
    return block.rfind(b"\n") + 1


def csv_ending(delimiter: str) -> Ending:
    """Know where rows end, for texts whose quoted fields may hold line breaks."""
    # A quotation mark means one only where a field begins, as in `,"`; a quoted field that is open runs to the end.
    quoted = re.compile(rb"(?:\A|(?<=[\r\n" + re.escape(delimiter.encode()) + rb']))"(?:[^"]++|"")*+"?')

    def ending(block: bytes) -> int:
        if b'"' not in block:
            return line_ending(block)
        spans = [found.span() for found in quoted.finditer(block) if b"\n" in found.group()]
        last = block.rfind(b"\n")
        while spans and last >= 0:
            start, stop = spans.pop()
            if start <= last < stop:
                last = block.rfind(b"\n", 0, start)
        return last + 1

    return ending
