"""Here: the project that a person stands in."""

from pathlib import Path

from golive.control.project.file import Project
from golive.control.project.read import FILE, read_project


def here_project() -> Project | None:
    """Read the golive.yaml of the working folder, or of the nearest folder above that has one; None without any."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return read_project(folder)
    return None
