"""Session: graphs opened with ONNX Runtime on the processor, once it was told to report nothing to its maker."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from golive.settings import forbid_telemetry

ERRORS_ONLY, FATAL_ONLY = 3, 4
"""What ONNX Runtime says in the log."""
_NO_ENTRIES: Mapping[str, str] = MappingProxyType({})


def onnxruntime() -> Any:
    """Give the library; it may be imported here first."""
    forbid_telemetry()
    import onnxruntime as library  # noqa: PLC0415 - after telemetry was forbidden

    return library


def session(graph: bytes, *, threads: int = 1, says: int = ERRORS_ONLY) -> Any:
    """Open a graph as an ``onnxruntime.InferenceSession``, using that many threads inside one call.

    Raises:
        Exception: ONNX Runtime cannot run the graph; it has a dozen classes for that, with this as their root.
    """
    return _session(graph, _options(threads, says))


def optimized(graph: bytes, level: str, *, entries: Mapping[str, str] = _NO_ENTRIES) -> bytes:
    """Let ONNX Runtime rewrite a graph and give what it would run.

    Args:
        graph: its bytes.
        level: how far; ``basic``, ``extended`` or ``all``.
        entries: entries of its configuration, by their names.

    Raises:
        Exception: ONNX Runtime cannot run the graph, or cannot write it.
    """
    options = _options(1, ERRORS_ONLY)
    options.graph_optimization_level = getattr(onnxruntime().GraphOptimizationLevel, f"ORT_ENABLE_{level.upper()}")
    for name, value in entries.items():
        options.add_session_config_entry(name, value)
    with tempfile.TemporaryDirectory(prefix="golive-graph-") as folder:
        path = Path(folder) / "optimized"
        options.optimized_model_filepath = str(path)
        _session(graph, options)
        return path.read_bytes()


def _options(threads: int, says: int) -> Any:
    options = onnxruntime().SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = says
    return options


def _session(graph: bytes, options: Any) -> Any:
    return onnxruntime().InferenceSession(graph, options, providers=["CPUExecutionProvider"])
