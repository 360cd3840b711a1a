"""What several exports share: the parts of golive that an export carries, and the pinned libraries they need."""

import re
import zipfile
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import distribution, requires, version
from pathlib import Path

import golive
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.errors import UsageError

_SKIPPED = {"__pycache__"}


def checked_options(options: Mapping[str, str], *known: str) -> dict[str, str]:
    """Give the options back.

    Raises:
        UsageError: one is not among the known names, or its value has blanks or control characters.
    """
    for name, value in options.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known) or 'none'}"
            message = f"this kind of export has no option {name!r}; {hint}"
            raise UsageError(message)
        if not value or re.search(r"[\s\x00-\x1f\x7f\"']", value):
            message = f"option {name}={value!r} is empty or has blanks, quotes or control characters; leave those out"
            raise UsageError(message)
    return dict(options)


def package_files(*parts: str) -> dict[str, bytes]:
    """Read golive's own modules: every one, or those under the given files and folders of the package."""
    root = Path(golive.__file__).parent
    chosen = [root / part for part in parts] if parts else [root]
    paths = [path for start in chosen for path in ([start] if start.is_file() else sorted(start.rglob("*")))]
    return {
        f"golive/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in paths
        if path.is_file() and not _SKIPPED & set(path.parts) and path.suffix != ".pyc"
    }


def registration() -> dict[str, bytes]:
    """Give the metadata files by which Python finds golive's version and plug-ins on its path."""
    mine = distribution("golive")
    folder = f"golive-{mine.version}.dist-info"
    names = ("METADATA", "entry_points.txt")
    return {f"{folder}/{name}": (mine.read_text(name) or "").encode() for name in names}


def pinned(libraries: tuple[str, ...] = ()) -> str:
    """Write a requirements file with the versions of this environment: the base ones of golive, or the given ones."""
    names = libraries or tuple(
        re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        for requirement in requires("golive") or ()
        if "extra ==" not in requirement
    )
    return "".join(f"{name}=={version(name)}\n" for name in sorted(set(names)))


def image_name(bundle: Bundle, options: dict[str, str]) -> str:
    """Give the image's name: the ``image`` option, else one that carries the bundle's digest."""
    return options.get("image") or f"golive/{bundle.name}:{short(bundle.digest)}"


def write_all(folder: Path, files: dict[str, bytes]) -> tuple[Path, ...]:
    """Write files by relative path and give what was written."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return tuple(paths)


def readable(folder: Path) -> None:
    """Let everyone read a folder: an image keeps the modes of what it copies, and serves as another user."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    """Write a zip whose bytes depend on its content only."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
