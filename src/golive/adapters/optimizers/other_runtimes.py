"""Other runtimes: the same graph, or a nearer form of it, opened by the other engines that are installed."""

from collections.abc import Iterator

from golive import plugins
from golive.adapters.optimizers.compact_trees import compacted
from golive.adapters.optimizers.narrow import in_single_precision
from golive.errors import GoliveError
from golive.ports import Candidate, Subject

OWN = "onnxruntime"


class OtherRuntimesOptimizer:
    """Offers the graph to every other runtime plug-in that opens it."""

    name = "runtimes"
    effort_s = 2.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give a candidate for each installed runtime and each form of the graph that it takes.

        The forms are the graph as it is, its products in float32, and its trees compact, where those are others.
        """
        forms = {
            "": subject.graph,
            "float32, ": in_single_precision(subject.graph),
            "compact trees, ": compacted(subject.graph),
        }
        for name in plugins.names("runtimes"):
            for form, graph in forms.items() if name != OWN else ():
                if graph is not None and _opens(name, graph):
                    yield Candidate(name=f"{form}runtime {name}", graph=graph, runtime=name)


def _opens(name: str, graph: bytes) -> bool:
    try:
        plugins.load("runtimes", name).open(graph, threads=1)
    except GoliveError:
        return False
    return True
