"""Mapped: a big graph on disk with its weights beside it, so that the processes that open it share their memory.

A graph that comes as bytes is private to its process. One whose weights lie in a file is mapped, and the system keeps
each page once however many processes read it. Weights that ONNX Runtime arranges anew for its kernels (float32
matrices) become private all the same; those of double precision stay as they are.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

LEAST_BYTES = 32 * 2**20
"""Smaller graphs are opened as bytes: a copy in each process costs less than the file."""
_LEAST_WEIGHTS = 4096
_FILE = "model.onnx"


def mapped(library: Any, graph: bytes, folder: Path) -> Path:
    """Give the path of a graph with its weights in a file beside it; written once, by whichever process comes first.

    Args:
        library: ``onnxruntime``.
        graph: ONNX.
        folder: where such files are kept; each graph has a folder of its own, named by the digest of its bytes.

    Raises:
        Exception: whatever ONNX Runtime says of bytes that are no graph, or the system of a disk that is full.
    """
    place = folder / hashlib.sha256(graph).hexdigest()
    if not (place / _FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
        try:
            _write(library, graph, unfinished)
            # A rename is whole or not at all; one that comes second finds the folder full and leaves it.
            os.rename(unfinished, place)  # noqa: PTH104 - Path.rename replaces, and says nothing of full folders
        except OSError:
            if not (place / _FILE).exists():
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return place / _FILE


def _write(library: Any, graph: bytes, folder: Path) -> None:
    """Have the library itself write the graph, unchanged, with its weights apart."""
    options = library.SessionOptions()
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(folder / _FILE)
    options.log_severity_level = 3
    for name, value in (("file_name", "weights.bin"), ("min_size_in_bytes", str(_LEAST_WEIGHTS))):
        options.add_session_config_entry(f"session.optimized_model_external_initializers_{name}", value)
    library.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
