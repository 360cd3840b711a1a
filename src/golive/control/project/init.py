"""``golive init``: a project folder with a commented golive.yaml, from an example or from a look at the data."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from golive.control.project.init_text import Proposal, project_text
from golive.control.project.read import FILE, project_of
from golive.errors import DataError, NotFoundError, UsageError
from golive.training.inspect import inspect
from golive.training.source import read_file

_EXAMPLES = Path(__file__).parent / "examples"
_COMMA_NUMBER = re.compile(r"-?\d+(,\d+)?([eE][-+]?\d+)?")
_GROUP = 3


def init(
    folder: Path,
    *,
    example: str = "",
    data: Path | None = None,
    target: str = "",
    time: str = "",
    sensitive: Iterable[str] = (),
    drop: Iterable[str] = (),
) -> tuple[Path, tuple[str, ...]]:
    """Write ``golive.yaml`` into a folder and give its path and what a person should know, a sentence each.

    The folder is made when it is not there; data is read where it is and not copied.

    Raises:
        UsageError: there is a golive.yaml already, or it is not said what to start from.
        NotFoundError: there is no such example or data file.
        DataError: the data cannot be read, or nothing can be learned from it.
    """
    file = folder / FILE
    if file.exists():
        message = f"{str(file)!r} exists and is not overwritten; edit it, or start in another folder"
        raise UsageError(message)
    if bool(example) == (data is not None):
        message = f"start from either --data FILE --target COLUMN or --example NAME ({', '.join(examples())})"
        raise UsageError(message)
    if data is None:
        notices: tuple[str, ...] = (f"the example {example!r} brings its own data",)
        text = example_text(example)
    else:
        text, notices = _from_data(folder, data, target, time=time, sensitive=tuple(sensitive), drop=tuple(drop))
    folder.mkdir(parents=True, exist_ok=True)
    project_of(text.encode(), folder=folder, name=str(file))
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        message = f"{str(file)!r} was made by someone else just now and is not overwritten; look at it first"
        raise UsageError(message) from None
    return file, notices


def examples() -> tuple[str, ...]:
    """Name the examples that come with golive."""
    return tuple(sorted(path.stem for path in _EXAMPLES.glob("*.yaml")))


def example_text(name: str) -> str:
    """Give the golive.yaml of an example.

    Raises:
        NotFoundError: there is no such example.
    """
    if name not in examples():
        message = f"there is no example {name!r}; there are {', '.join(examples())}"
        raise NotFoundError(message)
    return (_EXAMPLES / f"{name}.yaml").read_text("utf-8")


def _from_data(
    folder: Path, data: Path, target: str, *, time: str, sensitive: tuple[str, ...], drop: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    if not data.is_file():
        message = f"there is no file {str(data)!r}; give the path of a CSV or Parquet file"
        raise NotFoundError(message)
    frame, options, read_notices = _read(data)
    if not target:
        message = f"name the column to predict with --target; {data.name} has {', '.join(map(repr, frame.columns))}"
        raise UsageError(message)
    look = inspect(frame, target, time=time, sensitive=sensitive, drop=drop)
    proposal = Proposal(
        name=_name(folder, data),
        file=_relative(data, folder),
        options=options,
        target=target,
        inspection=look,
        sensitive=sensitive,
        time=time,
    )
    return project_text(proposal), (*read_notices, *look.notices)


def _read(data: Path) -> tuple[pd.DataFrame, dict[str, Any], tuple[str, ...]]:
    """Read a table with the options that it turns out to need: (frame, options, notices)."""
    options: dict[str, Any] = {}
    notices: list[str] = []
    try:
        frame, notes = read_file(data, options)
    except DataError as error:
        if "UTF-8" not in error.message:
            raise
        options["encoding"] = "latin-1"
        notices.append(f"{data.name} is not UTF-8 and is read as latin-1; look at letters with accents (data.options)")
        frame, notes = read_file(data, options)
    if any(_has_decimal_comma(frame[name]) for name in frame.columns):
        options["decimal"] = ","
        notices.append(f"numbers in {data.name} are written with a decimal comma (data.options)")
        frame, notes = read_file(data, options)
    return frame, options, (*notices, *([notes] if notes else []))


def _has_decimal_comma(column: "pd.Series[Any]") -> bool:
    """Say whether texts are numbers with a decimal comma; ``1,234`` alone could be grouped digits too."""
    if column.dtype != object:
        return False
    known = [text.strip() for text in column.dropna() if isinstance(text, str)]
    with_comma = [text for text in known if "," in text]
    return (
        bool(with_comma)
        and all(_COMMA_NUMBER.fullmatch(text) for text in known)
        and any(len(text.partition(",")[2]) != _GROUP for text in with_comma)
    )


def _name(folder: Path, data: Path) -> str:
    for text in (folder.absolute().name, data.name.partition(".")[0]):
        name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:100].strip("-")
        if name:
            return name
    return "model"


def _relative(data: Path, folder: Path) -> str:
    # Also beside the folder: a project is moved, or cloned, together with its data.
    return Path(os.path.relpath(data.resolve(), folder.resolve())).as_posix()
