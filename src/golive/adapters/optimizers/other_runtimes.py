"""Other runtimes: the same graph, opened by the other engines that are installed."""

from collections.abc import Iterator

from golive import plugins
from golive.errors import GoliveError
from golive.ports import Candidate, Subject

OWN = "onnxruntime"


class OtherRuntimesOptimizer:
    """Offers the graph as it is to every other runtime plug-in that opens it."""

    name = "runtimes"
    effort_s = 2.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give one candidate for each installed runtime that takes the graph; none where there is only one."""
        for name in plugins.names("runtimes"):
            if name != OWN and _opens(name, subject):
                yield Candidate(name=f"runtime {name}", graph=subject.graph, runtime=name)


def _opens(name: str, subject: Subject) -> bool:
    try:
        plugins.load("runtimes", name).open(subject.graph, threads=1)
    except GoliveError:
        return False
    return True
