"""Runtime graph: ONNX Runtime's own optimization, done once and saved, instead of at every start."""

from collections.abc import Iterator

from golive.adapters.graphs.session import optimized
from golive.errors import NotConvertibleError
from golive.ports import Candidate, Subject

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
    try:
        return optimized(content, level)
    except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        message = f"ONNX Runtime cannot optimize this graph ({reason})"
        raise NotConvertibleError(message) from error
