"""Packed: the bytes of a pickle, decompressed as they are read, and never more of them than a limit."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any

from golive.errors import DataError

MOST_BYTES = 16 << 30
"""Of a file once it is decompressed."""
MOST_AT_ONCE = 1 << 30
_CHUNK = 1 << 16
_GZIP_OR_ZLIB = 47
_PACKERS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(_GZIP_OR_ZLIB),
    b"\x78": lambda: zlib.decompressobj(_GZIP_OR_ZLIB),
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
    b"]\x00": lzma.LZMADecompressor,
}
"""First bytes -> what unpacks them."""


class Packed:
    """A stream with what ``pickletools`` asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        head = file.read(8)
        file.seek(0)
        self._file = file
        self._packer = next((make() for magic, make in _PACKERS.items() if head.startswith(magic)), None)
        self._held = bytearray()
        self._place = 0

    def read(self, count: int) -> bytes:
        """Give that many bytes, or fewer at the end.

        Raises:
            DataError: the file asks for a gigabyte at once, or has more bytes than any model.
        """
        if not 0 <= count <= MOST_AT_ONCE:
            message = f"an instruction asks for {count} bytes at once; the file is damaged or was made to do harm"
            raise DataError(message)
        while len(self._held) < count and self._more():
            pass
        return self._take(count)

    def readline(self) -> bytes:
        """Give bytes up to the next line's end."""
        while b"\n" not in self._held and len(self._held) < _CHUNK and self._more():
            pass
        end = self._held.find(b"\n")
        return self._take(len(self._held) if end < 0 else end + 1)

    def tell(self) -> int:
        """Say how many bytes were given."""
        return self._place

    def skip(self, count: int) -> None:
        """Pass over bytes.

        Raises:
            EOFError: the file ends before.
        """
        left = count
        while left > 0:
            if not self._held and not self._more():
                message = "the file ends inside an array"
                raise EOFError(message)
            left -= len(self._take(min(left, len(self._held))))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        self._place += len(taken)
        if self._place > MOST_BYTES:
            message = f"it unpacks to more than {MOST_BYTES >> 30} GB; it is no model, or was made to do harm"
            raise DataError(message)
        return taken

    def _more(self) -> bool:
        """Hold some more bytes; an unpacker gives at most a chunk at a time, whatever it was fed."""
        if self._packer is None:
            piece = self._file.read(_CHUNK)
            self._held += piece
            return bool(piece)
        try:
            piece = self._unpacked()
        except (zlib.error, lzma.LZMAError, OSError) as error:
            message = f"its compressed bytes are damaged ({error})"
            raise DataError(message) from error
        self._held += piece
        return bool(piece)

    def _unpacked(self) -> bytes:
        packer: Any = self._packer
        while not packer.eof:
            if isinstance(packer, (bz2.BZ2Decompressor, lzma.LZMADecompressor)):
                fed = self._file.read(_CHUNK) if packer.needs_input else b""
                waiting = not packer.needs_input
            else:
                fed = packer.unconsumed_tail or self._file.read(_CHUNK)
                waiting = bool(packer.unconsumed_tail)
            piece = bytes(packer.decompress(fed, _CHUNK))
            if piece or not (fed or waiting):
                return piece
        return b""
