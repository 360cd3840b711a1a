"""Stages: work whose result is kept under the digest of what went in, so it is done once.

A result is a folder that appears whole, by one rename. A process killed at any point leaves nothing that a
later run would take for a result; leftovers of killed runs are removed by the next one.
"""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from golive.domain.digest import Digest, digest_of, digest_of_value

_TEMPORARY = ".unfinished-"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage did, for the person who waits."""

    name: str
    text: str
    seconds: float
    reused: bool = False


Say = Callable[[Stage], None]


def key_of(**parts: object) -> Digest:
    """Name everything that decides a result."""
    return digest_of_value({name: msgspec.to_builtins(part) for name, part in parts.items()})


def source_digest(*folders: str) -> Digest:
    """Name the code of some rooms, so that a changed golive does not reuse what an older one made."""
    root = Path(__file__).parents[1]
    content = [path.read_bytes() for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    return digest_of(b"\0".join(content))


def kept(cache: Path, name: str, key: Digest, make: Callable[[Path], None]) -> tuple[Path, bool, float]:
    """Give the folder of a stage's result, making it if needed: (folder, whether it was there, seconds)."""
    started = time.monotonic()
    folder = cache / f"{name}-{key.removeprefix('sha256:')[:24]}"
    if folder.is_dir():
        return folder, True, time.monotonic() - started
    cache.mkdir(parents=True, exist_ok=True)
    _sweep(cache, name)
    unfinished = cache / f"{_TEMPORARY}{name}-{os.getpid()}"
    unfinished.mkdir()
    try:
        make(unfinished)
        for path in unfinished.iterdir():
            _sync(path)
        unfinished.rename(folder)
        _sync(cache)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder, False, time.monotonic() - started


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(cache: Path, name: str) -> None:
    for path in cache.glob(f"{_TEMPORARY}{name}-*"):
        pid = path.name.rpartition("-")[2]
        if not Path(f"/proc/{pid}").exists() or pid == str(os.getpid()):
            shutil.rmtree(path, ignore_errors=True)
