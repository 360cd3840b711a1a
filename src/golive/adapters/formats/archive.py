"""Archive: a zip file that somebody else made: its list of contents, held against bounds before anything is read."""

import zipfile
import zlib
from pathlib import Path
from typing import Self

from golive.errors import DataError

MOST_ENTRIES = 100_000
MOST_GROWTH = 20
"""So many times the size of the file its contents may have; networks' weights hardly shrink."""
FREE_BYTES = 64 << 20
"""Contents of up to this size are let pass, however small the file is."""
MOST_TEXT_BYTES = 256 << 20
"""The longest part that is read as text."""
MAGIC = b"PK\x03\x04"


def is_archive(path: Path) -> bool:
    """Say whether a file begins as a zip file does."""
    return path.is_file() and first_bytes(path, len(MAGIC)) == MAGIC


def first_bytes(path: Path, count: int) -> bytes:
    """Read the beginning of a file."""
    with path.open("rb") as file:
        return file.read(count)


class Archive:
    """An opened zip file within bounds. Close it, or use it in a ``with`` statement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            message = f"{path} cannot be read as the zip file that it should be ({error}); get a whole copy of it"
            raise DataError(message) from error
        entries = self._zip.infolist()
        self.names = [entry.filename for entry in entries]
        grown = sum(entry.file_size for entry in entries)
        allowed = max(FREE_BYTES, MOST_GROWTH * path.stat().st_size)
        if len(entries) > MOST_ENTRIES or grown > allowed or len(set(self.names)) < len(self.names):
            self._zip.close()
            message = (
                f"{path} unpacks to {len(entries)} parts of {grown:,} bytes together, more than a network of "
                f"{path.stat().st_size:,} bytes holds, or two parts of one name; it is made to do harm"
            )
            raise DataError(message)

    def content(self, name: str) -> bytes:
        """Read one part.

        Raises:
            DataError: it is not there, too long, or damaged.
        """
        try:
            entry = self._zip.getinfo(name)
            if entry.file_size > MOST_TEXT_BYTES:
                message = f"{name!r} in {self.path} has {entry.file_size:,} bytes, too many for what it describes"
                raise DataError(message)
            return self._zip.read(entry)
        except (KeyError, zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError) as error:
            message = f"{name!r} in {self.path} cannot be read ({error}); get a whole copy of the file"
            raise DataError(message) from error

    def text(self, name: str) -> str:
        """Read one part as text.

        Raises:
            DataError: it is not there, too long, damaged, or no text.
        """
        try:
            return self.content(name).decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"{name!r} in {self.path} is no text ({error}); get a whole copy of the file"
            raise DataError(message) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
