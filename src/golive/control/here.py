"""Here: the project that a person stands in, or points at."""

from pathlib import Path

from golive.control.project.file import Project
from golive.control.project.read import FILE, read_project
from golive.domain.policy import Policy


def here_project() -> Project | None:
    """Read the golive.yaml of the working folder, or of the nearest folder above that has one; None without any."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return read_project(folder)
    return None


def project_folder(reference: str) -> Path | None:
    """Give the project that a text points at, or None when it is no project folder."""
    path = Path(reference)
    if path.is_file() and path.suffix in {".yaml", ".yml"}:
        return path
    return path if (path / FILE).is_file() else None


def here_policy() -> Policy:
    """Give the gate of the project one stands in; without one, a policy that asks for evidence only."""
    project = here_project()
    return project.gate if project else Policy()
