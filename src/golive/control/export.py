"""``golive export``: a bundle in a form that runs elsewhere."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from golive import plugins
from golive.control.refs import find_bundle
from golive.control.rooms import Rooms
from golive.domain.audit import AuditNote
from golive.errors import UsageError
from golive.ports import Export


def export(
    reference: str, kind: str, folder: Path, rooms: Rooms, *, options: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """Write a bundle into a new or empty folder and give the written paths.

    Raises:
        NotFoundError: no bundle answers to the reference, or there is no such kind of export.
        UsageError: the folder holds something already.
    """
    exporter: Export = plugins.load("exports", kind)
    bundle = find_bundle(reference, rooms)
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty; give another folder with -o, or empty this one"
        raise UsageError(message)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        written = exporter.write(bundle, rooms.bundles.files(bundle), unfinished, options or {})
        paths = tuple(folder / path.relative_to(unfinished) for path in written)
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    rooms.ledger.note(
        AuditNote(action="export", subject=bundle.digest, details={"kind": kind}), at=rooms.now(), by=rooms.actor
    )
    return paths
