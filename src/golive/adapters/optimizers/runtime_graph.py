"""Runtime graph: ONNX Runtime's own optimization, done once and saved, instead of at every start."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from golive.errors import NotConvertibleError
from golive.ports import Candidate, Subject

_ERRORS_ONLY = 3
LEVELS = ("basic", "extended")
"""Of ONNX Runtime; the level above them depends on the processor, and a bundle goes to many."""


class RuntimeGraphOptimizer:
    """Offers the graph as ONNX Runtime rewrites it: constants folded, operators fused."""

    name = "graph"
    effort_s = 0.05

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give the graph at both levels, where they differ.

        Raises:
            NotConvertibleError: ONNX Runtime cannot open the graph.
        """
        seen = {subject.graph}
        for level in LEVELS:
            graph = rewritten(subject.graph, level)
            if graph not in seen:
                seen.add(graph)
                yield Candidate(name=f"graph, {level}", graph=graph)


def rewritten(content: bytes, level: str) -> bytes:
    """Let ONNX Runtime optimize a graph at one of :data:`LEVELS` and give what it runs."""
    import onnxruntime  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="golive-graph-") as folder:
        path = Path(folder) / "optimized.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level.upper()}")
        options.optimized_model_filepath = str(path)
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            message = f"ONNX Runtime cannot optimize this graph ({reason})"
            raise NotConvertibleError(message) from error
        return path.read_bytes()
