"""Journal: what of a run is safely on the disk, one line a slice, so that a killed run goes on where it was."""

import os
from pathlib import Path
from typing import Self

import msgspec

from golive.store.files import sync_folder


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A slice whose rows are in the growing file."""

    seen: int
    written: int
    refused: int
    end: int
    """Length of the growing file with it."""
    refused_end: int
    """Length of the file of refused rows with it."""
    note: str = ""
    """What the end of the whole file needs to know of it."""
    sealed: bool = False
    """The growing file is whole: only its delivery is left."""


class Journal:
    """Entries that survive a power cut once :meth:`add` returns."""

    def __init__(self, path: Path) -> None:
        self.entries, length = _read(path)
        self._file = path.open("ab")
        self._file.truncate(length)
        sync_folder(path.parent)

    @property
    def last(self) -> Entry:
        """The newest entry; one of nothing before the first."""
        return self.entries[-1] if self.entries else Entry(seen=0, written=0, refused=0, end=0, refused_end=0)

    def add(self, entry: Entry) -> None:
        """Keep an entry; the bytes that it speaks of are on the disk before."""
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.entries.append(entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _read(path: Path) -> tuple[list[Entry], int]:
    """Give the whole lines and their length: a run that is killed while it writes leaves half a line."""
    if not path.is_file():
        return [], 0
    found, length = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except msgspec.DecodeError:
            break
        if not line.endswith(b"\n"):
            found.pop()
            break
        length += len(line)
    return found, length
