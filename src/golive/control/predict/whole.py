"""Whole: the growing output file of a run; parts are put to its end in order, and it is delivered when it is whole."""

import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO, Self

import msgspec

from golive.control.predict.journal import Entry, Journal
from golive.control.predict.order import Done, Refused
from golive.ports import SlicedTable

_CHUNK_BYTES = 8 << 20


class Whole:
    """A folder with the growing file, the rows that were refused, and the journal of both."""

    def __init__(self, folder: Path, sink: SlicedTable, schema: Any) -> None:
        self._folder, self._sink, self._schema = folder, sink, schema
        self._path, self._refused_path = folder / "whole", folder / "refused"
        self._journal = Journal(folder / "journal")
        self.parts = folder / "parts"
        # Of a killed run: what its processes had not yet told is done again.
        shutil.rmtree(self.parts, ignore_errors=True)
        self.parts.mkdir()
        self.is_sealed = self._journal.last.sealed
        if not self.is_sealed:
            self._file, self._refused = self._begin()

    @property
    def last(self) -> Entry:
        """How far the run is: rows seen, written and refused in all."""
        return self._journal.last

    @property
    def slices(self) -> int:
        """How many slices are in the file."""
        return len(self._journal.entries)

    def take(self, done: Done) -> None:
        """Put a part to the end of the file, and remove it."""
        last, at = self.last, self._file.tell()
        note = ""
        if done.path:
            path = Path(done.path)
            body = self._sink.body(path, at)
            _append(path, body.start, body.stop, self._file)
            note = body.note
            path.unlink()
        for one in done.refused:
            line = {"row": last.seen + one.position + 1, "reason": one.reason}
            self._refused.write(msgspec.json.encode(line) + b"\n")
        self._sync()
        self._journal.add(
            Entry(
                seen=last.seen + done.seen,
                written=last.written + done.written,
                refused=last.refused + len(done.refused),
                end=self._file.tell(),
                refused_end=self._refused.tell(),
                note=note,
            )
        )

    def row_of(self, refused: Refused) -> int:
        """Give the number in the whole table, from 1, of a refused row of the next slice."""
        return self.last.seen + refused.position + 1

    def deliver(self, place: str, refused: Path) -> None:
        """End the file, and let it and the file of refused rows appear in their places; then nothing else is left."""
        if not self.is_sealed:
            self._file.write(
                self._sink.tail(self._schema, [entry.note for entry in self._journal.entries if entry.note])
            )
            self._sync()
            self._journal.add(msgspec.structs.replace(self.last, note="", sealed=True))
        if self.last.refused and self._refused_path.is_file():
            shutil.copyfile(self._refused_path, refused)
        # A run that was killed after its delivery has no growing file any more.
        if self._path.is_file():
            self._sink.deliver(self._path, place, {})
        shutil.rmtree(self._folder)

    def discard(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._journal.last.sealed or not self.is_sealed:
            self._file.close()
            self._refused.close()
        self._journal.__exit__()

    def _begin(self) -> tuple[BinaryIO, BinaryIO]:
        last = self._journal.last
        head = self._sink.head(self._schema)
        file = _cut_back(self._path, max(last.end, len(head)))
        if not last.end:
            file.seek(0)
            file.write(head)
        return file, _cut_back(self._refused_path, last.refused_end)

    def _sync(self) -> None:
        # Asking a disk for certainty takes tens of milliseconds: not for a file that has got nothing new.
        for file, before in ((self._file, self.last.end), (self._refused, self.last.refused_end)):
            if file.tell() != before:
                file.flush()
                os.fsync(file.fileno())


def _cut_back(path: Path, length: int) -> BinaryIO:
    """Open a file for writing behind what the journal speaks of; what came after is of a killed run."""
    path.touch()
    file = path.open("r+b")
    file.truncate(length)
    file.seek(length)
    return file


def _append(path: Path, start: int, stop: int, sink: BinaryIO) -> None:
    with path.open("rb") as part:
        part.seek(start)
        left = stop - start
        while left:
            chunk = part.read(min(left, _CHUNK_BYTES))
            sink.write(chunk)
            left -= len(chunk)
