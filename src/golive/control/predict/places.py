"""Places: from what a person types to the table format that reads or writes it."""

from pathlib import Path, PurePosixPath
from typing import Literal

from golive import plugins
from golive.errors import UsageError
from golive.ports import SlicedTable

_STORES = ("s3",)


def reader_of(place: str) -> str:
    """Name the table plug-in that reads a place.

    Raises:
        UsageError: none does.
    """
    return _plugin(place, "reads")


def writer_of(place: str) -> str:
    """Name the table plug-in that writes a place.

    Raises:
        UsageError: none does.
    """
    return _plugin(place, "writes")


def is_here(place: str) -> bool:
    """Say whether a place is a file of this machine."""
    return "://" not in place


def file_name(place: str) -> str:
    """Give the last part of a path or URL."""
    return PurePosixPath(place.partition("?")[0]).name


def folder_for(place: str, state: Path) -> Path:
    """Give the folder where an output grows: beside a file, so that it need not cross disks, else under the state."""
    if is_here(place):
        path = Path(place).absolute()
        return path.with_name(f"{path.name}.unfinished")
    kept = "".join(letter if letter.isalnum() else "-" for letter in place.partition("@")[2] or place)
    return state / "predict" / kept


def _plugin(place: str, does: Literal["reads", "writes"]) -> str:
    scheme = place.partition("://")[0] if "://" in place else ""
    if scheme and scheme not in _STORES:
        return "sql"
    name = file_name(place).lower()
    known: list[str] = []
    for plugin in plugins.names("tables"):
        table = plugins.load("tables", plugin)
        if not isinstance(table, SlicedTable):
            continue
        suffixes: tuple[str, ...] = table.writes if does == "writes" else table.suffixes
        if name.endswith(suffixes):
            return plugin
        known += suffixes
    message = (
        f"{place} is no table that golive {does} in pieces: its name must end in one of {', '.join(sorted(known))}, "
        "or be the URL of a database"
    )
    raise UsageError(message)
