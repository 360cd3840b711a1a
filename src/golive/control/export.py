"""``golive export``: a bundle in a form that runs elsewhere."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from golive import plugins
from golive.control.refs import find_used
from golive.control.rooms import Rooms
from golive.domain.audit import AuditNote
from golive.domain.bundle import Bundle
from golive.errors import UsageError
from golive.ports import Export
from golive.store.files import refused


def export(
    reference: str, kind: str, folder: Path, rooms: Rooms, *, options: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """Write a bundle into a new or empty folder and give the written paths; a bare name means what serves.

    Raises:
        NotFoundError: no bundle answers to the reference, or there is no such kind of export.
        UsageError: the folder holds something already, or an option is not one of that kind's.
        NotConvertibleError: this kind cannot carry a part of the bundle; no folder of that name is left behind.
        UnavailableError: the disk is full or refuses; no folder of that name is left behind.
    """
    exporter: Export = plugins.load("exports", kind)
    bundle = find_used(reference, rooms)
    _refuse_taken(folder)
    try:
        paths = _written(exporter, bundle, rooms.bundles.files(bundle), folder, options or {})
    except OSError as error:
        raise refused(folder, error) from error
    rooms.ledger.note(
        AuditNote(action="export", subject=bundle.digest, details={"kind": kind}), at=rooms.now(), by=rooms.actor
    )
    return paths


def _refuse_taken(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "is not empty" if folder.is_dir() else "is a file"
        message = f"{str(folder)!r} {what}; give a new or empty folder with -o"
        raise UsageError(message)


def _written(
    exporter: Export, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
) -> tuple[Path, ...]:
    """Write beside the folder and rename, so that a folder of that name is whole whatever happens on the way."""
    whole = folder.absolute()
    unfinished = whole.with_name(f".{whole.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        written = exporter.write(bundle, files, unfinished, options)
        paths = tuple(folder / path.relative_to(unfinished) for path in written)
        unfinished.replace(whole)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return paths
