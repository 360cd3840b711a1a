"""Stages: work whose result is kept under the digest of what went in, so it is done once, by one process.

A result is a folder that appears whole, by one rename. A process killed at any point leaves nothing that a
later run would take for a result; leftovers of killed runs are removed by the next one.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from golive.domain.digest import Digest, digest_of, digest_of_value
from golive.store.files import TEMPORARY, locked, refused


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage did, for the person who waits."""

    name: str
    text: str
    seconds: float
    reused: bool = False


Say = Callable[[Stage], None]

_KEPT = 5
"""Results of each stage that stay in the cache: those used last."""


def key_of(**parts: object) -> Digest:
    """Name everything that decides a result."""
    return digest_of_value({name: msgspec.to_builtins(part) for name, part in parts.items()})


def source_digest(*places: str) -> Digest:
    """Name the code of some rooms or files, so that a changed golive does not reuse what an older one made.

    Raises:
        ValueError: there is no code at one of the places.
    """
    root = Path(__file__).parents[1]
    return digest_of(b"\0".join(path.read_bytes() for place in places for path in _code(root / place)))


def _code(place: Path) -> list[Path]:
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    if not found:
        message = f"there is no code at {place.name!r}"
        raise ValueError(message)
    return found


def kept(cache: Path, name: str, key: Digest, make: Callable[[Path], None]) -> tuple[Path, bool, float]:
    """Give the folder of a stage's result, making it if needed: (folder, whether it was there, seconds).

    Processes that want the same result at the same time wait for the one that makes it.

    Raises:
        UnavailableError: the disk is full or refuses; nothing half-made is left.
    """
    started = time.monotonic()
    folder = cache / f"{name}-{key.removeprefix('sha256:')[:24]}"
    reused = folder.is_dir()
    if not reused:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with locked(cache / f"{name}.lock"):
                reused = folder.is_dir()
                if not reused:
                    _make(folder, make)
                    _forget(cache, name)
        except OSError as error:
            raise refused(folder, error) from error
    if reused:
        # Use counts, not age: what two projects of one state folder need by turns stays.
        with suppress(OSError):
            os.utime(folder)
    return folder, reused, time.monotonic() - started


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    name = folder.name.partition("-")[0]
    for leftover in folder.parent.glob(f"{TEMPORARY}{name}-*"):
        # Of a killed run: who works on one holds the lock.
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = folder.with_name(f"{TEMPORARY}{folder.name}")
    unfinished.mkdir()
    try:
        make(unfinished)
        for path in unfinished.iterdir():
            _sync(path)
        unfinished.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _forget(cache: Path, name: str) -> None:
    results = sorted(cache.glob(f"{name}-*"), key=lambda folder: folder.stat().st_mtime_ns)
    for old in results[:-_KEPT]:
        # Renamed first, so that a killed run never leaves half a result under a result's name.
        going = old.rename(old.with_name(f"{TEMPORARY}{old.name}"))
        shutil.rmtree(going, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
