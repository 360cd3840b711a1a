"""Mapped: a big graph on disk with its weights beside it, so that the processes that open it share their memory.

A graph that comes as bytes is private to its process. One whose weights lie in a file is mapped, and the system keeps
each page once however many processes read it. Weights that ONNX Runtime arranges anew for its kernels (float32
matrices) become private all the same; those of double precision stay as they are.
"""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LEAST_BYTES = 32 * 2**20
"""Smaller graphs are opened as bytes: a copy in each process costs less than the file."""
_LEAST_WEIGHTS = 4096
_FILE = "model.onnx"
_DIGESTS = "digests"
_UNFINISHED = ".unfinished-"
_UNUSED_S = 30 * 86_400.0


def mapped(library: Any, graph: bytes, folder: Path, *, now_s: float | None = None) -> Path:
    """Give the path of a graph with its weights in a file beside it; written once, by whichever process comes first.

    What was written is read whole and held against its digests at each opening: 100 MB take 50 ms, and a changed byte
    would answer wrongly without a word. A damaged one is written anew. Whenever one is written, those that nobody
    opened for a month are removed; who has one of them open keeps it.

    Args:
        library: ``onnxruntime``.
        graph: ONNX.
        folder: where such files are kept; each graph has a folder of its own, named by the digest of its bytes.
        now_s: the time, in seconds since 1970; that of the system where not given.

    Raises:
        Exception: whatever ONNX Runtime says of bytes that are no graph, or the system of a disk that is full.
    """
    place = folder / hashlib.sha256(graph).hexdigest()
    now_s = time.time() if now_s is None else now_s
    if not _is_whole(place):
        folder.mkdir(parents=True, exist_ok=True)
        _trim(folder, now_s - _UNUSED_S)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
        try:
            _write(library, graph, unfinished)
            _put(unfinished, place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    with suppress(OSError):  # of another user, or gone a moment ago: when it was used is no reason to fail
        os.utime(place, (now_s, now_s))
    return place / _FILE


def _put(unfinished: Path, place: Path) -> None:
    """Give a folder its name in one step, instead of a damaged one; a whole one that came first is left."""
    damaged = unfinished.with_name(f"{unfinished.name}-damaged")
    if place.exists() and not _is_whole(place):
        logging.getLogger("golive.runtimes").warning("%s is damaged and is written anew", place)
        place.rename(damaged)
    try:
        # A rename is whole or not at all; one that comes second finds the folder full and leaves it.
        os.rename(unfinished, place)  # noqa: PTH104 - Path.rename replaces, and says nothing of full folders
    except OSError:
        if not _is_whole(place):
            raise
    shutil.rmtree(damaged, ignore_errors=True)


def _is_whole(place: Path) -> bool:
    """Say whether the files of a graph are there, and are those that were written."""
    try:
        listed = (place / _DIGESTS).read_text("ascii").split()
        return bool(listed) and listed == _digests(place)
    except (OSError, UnicodeDecodeError):
        return False


def _digests(place: Path) -> list[str]:
    found = []
    for path in sorted(place.iterdir()):
        if path.name != _DIGESTS:
            with path.open("rb") as file:
                found.append(f"{path.name}={hashlib.file_digest(file, 'sha256').hexdigest()}")
    return found


def _trim(folder: Path, before_s: float) -> None:
    """Remove graphs that nobody opened since, and what killed writers left."""
    for path in folder.iterdir():
        with suppress(OSError):  # another process removes it at the same time
            if path.stat().st_mtime < before_s:
                shutil.rmtree(path, ignore_errors=True)


def _write(library: Any, graph: bytes, folder: Path) -> None:
    """Have the library itself write the graph, unchanged, with its weights apart."""
    options = library.SessionOptions()
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(folder / _FILE)
    options.log_severity_level = 3
    for name, value in (("file_name", "weights.bin"), ("min_size_in_bytes", str(_LEAST_WEIGHTS))):
        options.add_session_config_entry(f"session.optimized_model_external_initializers_{name}", value)
    library.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (folder / _DIGESTS).write_text("\n".join(_digests(folder)), "ascii")
