"""Project: golive.yaml in, one frozen value out, or every mistake at once, each with its line."""

from pathlib import Path

import msgspec
from msgspec import inspect

from golive.control.project.file import Project
from golive.control.project.rules import findings
from golive.control.project.shape import BROKEN, Mistake, Reading, path_text
from golive.control.project.tree import tree
from golive.errors import NotFoundError, ProjectError

FILE = "golive.yaml"

_STAND_INS = {"name": "stand-in", "data": {}, "target": "", "task": "regression"}
"""Used while the rest is checked when a required part is missing or wrong; never in a project that is given."""


def read_project(path: Path) -> Project:
    """Read golive.yaml, given itself or its folder.

    Raises:
        NotFoundError: there is no such file.
        ProjectError: the file has mistakes; one line for each: file and line, place, found, expected.
    """
    file = path / FILE if path.is_dir() or path.suffix not in {".yaml", ".yml"} else path
    if not file.is_file():
        message = f"there is no {FILE} in {str(file.parent)!r}; `golive init {file.parent}` starts a project there"
        raise NotFoundError(message)
    return project_of(file.read_bytes(), folder=file.parent, name=str(file))


def base_of(path: Path) -> Path:
    """Give the folder that a project's paths are relative to, from that folder or its golive.yaml."""
    return path.parent if path.is_file() else path


def project_of(content: bytes, *, folder: Path, name: str = FILE) -> Project:
    """Read the text of a golive.yaml whose relative paths begin at ``folder``; ``name`` stands in messages.

    Raises:
        ProjectError: the text has mistakes; one line for each: file and line, place, found, expected.
    """
    reading = Reading()
    values = reading.read(tree(content, name), inspect.type_info(Project))
    usable = values if values is not BROKEN else {}
    project = msgspec.convert({**_STAND_INS, **usable}, Project)
    crossed = [
        Mistake(place, reading.line(place), text)
        for place, text in (findings(project, folder, reading.is_broken) if values is not BROKEN else ())
    ]
    mistakes = sorted((*reading.mistakes, *crossed), key=lambda mistake: mistake.line)
    if mistakes:
        raise ProjectError("\n".join(_sentence(mistake, name) for mistake in mistakes))
    return project


def _sentence(mistake: Mistake, name: str) -> str:
    place = path_text(mistake.path)
    return f"{name}:{mistake.line}: at {place}: {mistake.text}" if place else f"{name}:{mistake.line}: {mistake.text}"
