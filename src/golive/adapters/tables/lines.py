"""Lines: how the formats that are text write their parts, which are joined as they are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from golive.adapters.tables.places import TableFile
from golive.ports import Body


class LineWriter:
    """Writes a part of a text, batch by batch."""

    def __init__(self, path: Path, encode: Callable[[Any], bytes]) -> None:
        self._file = path.open("wb")
        self._encode = encode

    def write(self, batch: Any) -> None:
        """Append a ``pyarrow.RecordBatch``."""
        self._file.write(self._encode(batch))

    def close(self) -> None:
        """Write what is still held back."""
        self._file.close()


class TextTable(TableFile):
    """What every format that is text does alike."""

    def body(self, path: Path, offset: int) -> Body:
        """Take all of a part."""
        del offset
        return Body(0, path.stat().st_size)

    def tail(self, schema: Any, notes: Sequence[str]) -> bytes:
        """Give nothing: a text ends with its last row."""
        del schema, notes
        return b""
